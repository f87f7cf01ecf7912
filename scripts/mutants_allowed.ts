/** A change that no test can notice, and why. */
export interface AllowedMutant {
  /** The file. */
  file: string;
  /** The line as it is, without the space around it. */
  text: string;
  /** What is changed into what, as the mutation check prints it. */
  change: string;
  /** Why nothing can tell the two apart. */
  reason: string;
}

/** The changes that may survive. An entry that survives no more is reported, so that the list stays true. */
export const ALLOWED: readonly AllowedMutant[] = [];
