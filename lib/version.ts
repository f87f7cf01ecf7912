/** The version of this library, as it stands in `deno.json`. */
export const VERSION = "0.1.0";
