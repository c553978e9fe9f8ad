import { defaultStringifySearch } from "@tanstack/react-router";
import { searchOf } from "./address";
import type { Asked } from "./form";
import type { Model } from "./queries";

/**
 * The same form at another gateway. Images stay here, since their ids are of this gateway, and so
 * does the callback: its receiver waits for videos that are real.
 */
export function practiceAddress(gateway: string, asked: Asked, model: Model): string {
  const images = new Set(
    model.options.filter(({ kind }) => kind === "asset" || kind === "assets").map(({ name }) => name),
  );
  const values = Object.fromEntries(
    Object.entries(asked.values).filter(([name]) => !images.has(name)),
  );
  const extras = { ...asked.extras };
  delete extras.callback_url;
  const { search } = searchOf({ ...asked, values, extras });
  return `${gateway}/app/play${defaultStringifySearch(search)}`;
}

/** Leads to a gateway whose upstream is the simulator, where the operator has one. */
export function Practice({
  gateway,
  asked,
  model,
}: {
  gateway: string | null;
  asked: Asked;
  model: Model;
}) {
  if (gateway === null) return null;
  return (
    <p className="text-sm text-muted">
      <a
        href={practiceAddress(gateway, asked, model)}
        target="_blank"
        rel="noopener noreferrer"
        className="text-accent underline"
      >
        Practise without credits
      </a>{" "}
      at another gateway, in a new tab: the same form but for its images, and no video there is real.
    </p>
  );
}
