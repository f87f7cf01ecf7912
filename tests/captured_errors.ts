/** Takes what is printed as an error meanwhile, instead of the console. */
export function capturedErrors(): Disposable & { printed: unknown[][] } {
  const { console } = globalThis;
  const { error } = console;
  const printed: unknown[][] = [];
  console.error = (...data: unknown[]) => void printed.push(data);
  return {
    printed,
    [Symbol.dispose]: () => {
      console.error = error;
    },
  };
}
