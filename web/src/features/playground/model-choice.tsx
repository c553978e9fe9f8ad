import { credits } from "@/lib/format";
import { BOX, Hint } from "./field-frame";
import type { Model } from "./queries";

/** As in the example of 1min.ai's page; where it is not offered, the first that is. */
const USUAL_MODEL = "ray-v3";

export function usualModel(models: Model[]): Model | undefined {
  return models.find((one) => one.id === USUAL_MODEL) ?? models.find((one) => one.prices.length > 0) ?? models[0];
}

/** By provider and by what it makes a video of. */
export function ModelChoice({
  models,
  model,
  onChoose,
}: {
  models: Model[];
  model: Model;
  onChoose: (id: string) => void;
}) {
  const groups = new Map<string, Model[]>();
  for (const one of models) groups.set(groupOf(one), [...(groups.get(groupOf(one)) ?? []), one]);
  return (
    <div>
      <label htmlFor="play-model" className="text-sm font-medium">
        Model
      </label>
      <select
        id="play-model"
        className={BOX}
        value={model.id}
        aria-describedby="play-model-help"
        onChange={(event) => onChoose(event.target.value)}
      >
        {[...groups].map(([group, members]) => (
          <optgroup key={group} label={group}>
            {members.map((one) => (
              <option key={one.id} value={one.id}>
                {one.id}
                {one.prices.length === 0 ? " (no price is set)" : ""}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
      <Hint id="play-model-help">
        {priceOf(model)} From {model.source}, as of {model.as_of}.
        {model.retires_on && (
          <span className="text-warning"> 1min.ai stops making it on {model.retires_on}.</span>
        )}
      </Hint>
    </div>
  );
}

function groupOf({ provider, feature }: Model): string {
  return `${provider} · ${feature.toLowerCase().replaceAll("_", " ")}`;
}

function priceOf({ prices }: Model): string {
  const known = prices.map((one) => one.credits);
  if (known.length === 0) return "It has no price yet, and cannot be requested.";
  const [least, most] = [Math.min(...known), Math.max(...known)];
  return least === most
    ? `${credits(least)} credits a video.`
    : `${credits(least)} to ${credits(most)} credits a video.`;
}
