/** Types of the page's scripts. They are here so that public/, which is served, holds none. */

/**
 * The elements of the pages, by id. Those of the owner's tools are there while the owner is signed in,
 * and those of the page of an account on it alone.
 */
interface PageElements {
  across: HTMLInputElement;
  animate: HTMLButtonElement;
  becoming: HTMLElement;
  clock: HTMLTimeElement;
  countdown: HTMLElement;
  crop: HTMLElement;
  cropping: HTMLElement;
  direction: HTMLSelectElement;
  discard: HTMLButtonElement;
  down: HTMLInputElement;
  face: HTMLElement;
  file: HTMLInputElement;
  force: HTMLInputElement;
  "force-frame": HTMLInputElement;
  forget: HTMLButtonElement;
  "open-account": HTMLButtonElement;
  frame: HTMLInputElement;
  "frame-picture": HTMLImageElement;
  frames: HTMLInputElement;
  hand: SVGGElement;
  here: HTMLElement;
  hour: HTMLElement;
  icon: HTMLElement;
  journal: HTMLDetailsElement;
  "journal-note": HTMLElement;
  left: HTMLElement;
  look: HTMLFormElement;
  minute: SVGLineElement;
  /** Absent if no turn is planned. */
  next: HTMLTimeElement | null;
  note: HTMLElement;
  older: HTMLButtonElement;
  other: HTMLInputElement;
  "other-period": HTMLElement;
  owner: HTMLDetailsElement;
  period: HTMLSelectElement;
  place: HTMLElement;
  "place-of-frame": SVGPolygonElement;
  plain: HTMLElement;
  preview: HTMLElement;
  rehearse: HTMLFormElement;
  /** Absent while nobody is signed in. */
  result: HTMLElement | null;
  "send-frame": HTMLFormElement;
  "sign-in": HTMLFormElement;
  /** Absent once the account has been started. */
  steps: HTMLElement | null;
  there: HTMLElement;
  "time-zone": HTMLInputElement;
  token: HTMLInputElement;
  "token-error": HTMLElement;
  /** Absent while nobody is signed in. */
  tools: HTMLElement | null;
  "tools-template": HTMLTemplateElement;
  "tools-title": HTMLElement;
  turn: HTMLFormElement;
  turned: HTMLCanvasElement;
  turning: HTMLElement;
  "use-picture": HTMLButtonElement;
  which: HTMLElement;
  "zones-hint": HTMLElement;
  zones: HTMLDataListElement;
  zoom: HTMLInputElement;
}

/** Tells the owner something; the mood is a class of the style sheet. */
type Say = (message: string, mood?: "" | "good" | "bad") => void;

/** Does something. The owner is told the text that it returns, or the error that it throws. */
type Action = () => Promise<unknown>;

/** An entry of the journal as the Worker answers it. One of another version may lack any member. */
interface JournalEntry {
  attempts?: number;
  duration_ms?: number | null;
  frame?: number | null;
  frames?: number;
  message?: string;
  network?: string;
  network_status?: number | null;
  outcome: string;
  remedy?: string;
  retry_at?: string;
  scheduled_at?: string;
  sent_at?: string;
  trigger?: string;
}

/** How a turn by hand ended on a network. */
interface TurnAnswer {
  account?: string;
  frame: number;
  outcome: string;
  unchecked?: string;
  would_send?: { frame_bytes: number; url: string };
}

/** A square of a bitmap, in pixels. */
interface Square {
  left: number;
  top: number;
  side: number;
}

/** A point, in pixels. */
interface Point {
  x: number;
  y: number;
}

/** A kind of file, by how it begins. */
interface KnownKind {
  /** What to call it in a sentence. */
  name: string;
  begins: RegExp;
  /** The media types that tell it where its beginning does not. */
  type?: RegExp;
  /** Whether the Worker reads it. */
  isTaken?: boolean;
  /** Whether it cannot be transparent. */
  isOpaque?: boolean;
  /** Whether it is no picture at all. */
  isNone?: boolean;
  /** What a file with several pictures contains. */
  moves?: RegExp;
}

/** What the card "Change the icon" uses of the tools. */
interface IconTools {
  run(action: Action): Promise<void>;
  /** Replaces the icon; `choices` says how the Worker reads the file. */
  usePicture(file: Blob, choices: Record<string, string>): Promise<string>;
}

/** A file that the owner has chosen. */
interface Choice extends Partial<Picture> {
  file: File;
  kind: Kind;
  /** Of the file, if the browser cannot open it. */
  address?: string;
}

/** What a file is. */
interface Kind {
  name: string;
  isTaken: boolean;
  isOpaque: boolean;
  isNone?: boolean;
  /** Whether it has several pictures, of which the first counts. */
  moves: boolean;
}

/** A picture that the browser has opened: its pixels, which may be fewer than the file's. */
interface Picture {
  bitmap: ImageBitmap;
  /** Of the file, in pixels. */
  width: number;
  height: number;
}
