/**
 * Decides what `console.log` and the like show of a class's instances, on all runtimes. Where they are told to call
 * getters, they would show a token otherwise.
 */
export function showAs<T>(type: { readonly prototype: T }, show: (instance: T) => string): void {
  for (const name of ["Deno.customInspect", "nodejs.util.inspect.custom"]) {
    Object.defineProperty(type.prototype, Symbol.for(name), {
      value(this: T) {
        return show(this);
      },
    });
  }
}
