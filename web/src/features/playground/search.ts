/**
 * The form as its address has it, by the names of the options. Which these are depends on the
 * model, so they are read once the models are known.
 */
export interface PlaySearch {
  model?: string;
  /** A generation that is made again. */
  from?: string;
  [option: string]: unknown;
}

export function playSearch(given: Record<string, unknown>): PlaySearch {
  const { model, from, ...rest } = given;
  return {
    ...(typeof model === "string" && { model }),
    ...(typeof from === "string" && { from }),
    ...rest,
  };
}
