import { queryOptions } from "@tanstack/react-query";
import { Refused, refusal } from "@/api/problem";
import { ROOT } from "@/lib/place";

interface Gateway {
  version: string;
  simulated: boolean;
}

/** What the gateway says of itself at its own address. */
export const gatewayQuery = queryOptions({
  queryKey: ["gateway"],
  queryFn: async (): Promise<Gateway> => {
    const response = await fetch(ROOT, { headers: { Accept: "application/json" } }).catch(() => {
      throw Refused.offline();
    });
    if (!response.ok) throw await refusal(response);
    return (await response.json()) as Gateway;
  },
  staleTime: 300_000,
});
