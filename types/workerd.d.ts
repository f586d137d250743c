/** What workerd adds to the web's types, for tests that run the Worker's modules in Node. */

interface ReadableStreamBYOBReader {
  readAtLeast<T extends ArrayBufferView>(
    minElements: number,
    view: T,
  ): Promise<ReadableStreamReadResult<T>>;
}
