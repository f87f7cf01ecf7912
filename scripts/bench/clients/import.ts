/**
 * What loading the library adds to it.
 *
 * @module
 */

import "../../../mod.ts";
