/**
 * What the tests use of the packages of tests/pds, which are installed only when the tests run.
 */

declare module "@atproto/pds" {
  export const PDS: {
    fromEnv(env: Record<string, unknown>): Promise<{
      start(): Promise<import("node:http").Server>;
      destroy(): Promise<void>;
    }>;
  };
  export function readEnv(): Record<string, unknown>;
}

declare module "@atproto-labs/fetch" {
  export const DEFAULT_FORBIDDEN_DOMAIN_NAMES: string[];
}

declare module "@atproto/crypto" {
  export const Secp256k1Keypair: {
    create(options: { exportable: boolean }): Promise<{ export(): Promise<Uint8Array> }>;
  };
}

declare module "@did-plc/server" {
  export const Database: { mock(): unknown };
  export const PlcServer: {
    create(options: { db: unknown; port: number }): {
      start(): Promise<import("node:http").Server>;
    };
  };
}

declare module "selfsigned" {
  export function generate(
    attributes: { name: string; value: string }[],
    options: Record<string, unknown>,
  ): Promise<{ private: string; public: string; cert: string; fingerprint: string }>;
}
