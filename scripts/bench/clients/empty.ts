/**
 * What a process costs that does nothing.
 *
 * @module
 */

export {};
