import { DeliveryTable } from "@/features/deliveries/delivery-table";
import type { Story } from "./queries";

/** What was told about it to whom. */
export function StoryDeliveries({
  list,
  onDone,
}: {
  list: Story["deliveries"];
  onDone: (said: string) => void;
}) {
  if (list.length === 0)
    return <p className="text-sm text-muted">Nobody is told about it by a webhook.</p>;
  return <DeliveryTable caption="Webhooks about it, oldest first" list={list} onDone={onDone} />;
}
