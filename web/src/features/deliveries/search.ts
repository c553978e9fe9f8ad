import type { Schemas } from "@/api/client";

export const DELIVERY_STATES = [
  "pending",
  "delivered",
  "failed",
] as const satisfies readonly Schemas["DeliveryState"][];

/** The filters of deliveries, as the address has them. `off`: only endpoints that are disabled. */
export interface DeliveriesSearch {
  team?: string;
  endpoint?: string;
  state?: Schemas["DeliveryState"];
  since?: string;
  off?: true;
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function deliveriesSearch(given: Record<string, unknown>): DeliveriesSearch {
  const { team, endpoint, since } = given;
  const state = DELIVERY_STATES.find((one) => one === given.state);
  const found: DeliveriesSearch = {};
  if (typeof team === "string" && ID.test(team)) found.team = team;
  if (typeof endpoint === "string" && ID.test(endpoint)) found.endpoint = endpoint;
  if (state) found.state = state;
  if (typeof since === "string" && !Number.isNaN(Date.parse(since))) found.since = since;
  if (given.off === true) found.off = true;
  return found;
}
