/** Times at which the tests have the Cron Trigger fire. */

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

let days = 0;

/**
 * Returns a time far from now at which it is 09:00 in Tokyo, where frame 9 is due; each call
 * returns one that is two days later.
 */
export const later = () => Date.UTC(2031, 0, 1 + 2 * days++);

/**
 * The frame of twelve that is due in Tokyo.
 *
 * @param {number} time in Unix ms
 */
export const frameAt = (time) => (Math.floor(time / HOUR) + 9) % 12;
