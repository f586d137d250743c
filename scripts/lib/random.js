/** Pseudorandom numbers that are the same in every run. */

/**
 * Returns a function that gives the next number, from 0 up to but not including 1, by the linear
 * congruential generator of Numerical Recipes. Its low bits are not random.
 *
 * @param {number} seed
 */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
