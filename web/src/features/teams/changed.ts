import { useQueryClient } from "@tanstack/react-query";
import { TEAMS } from "./queries";

/** `onDone` is told what has changed, once the gateway has said so. */
export interface Form {
  onDone: (said: string) => void;
  onClose: () => void;
}

/** After a change, what shows teams asks again. */
export function useChanged(onDone: (said: string) => void) {
  const queries = useQueryClient();
  return async (said: string) => {
    await queries.invalidateQueries({ queryKey: TEAMS });
    onDone(said);
  };
}
