import { expect, test } from "vitest";

const SOURCES = import.meta.glob<string>("../**/*.{ts,tsx}", {
  query: "?raw",
  import: "default",
  eager: true,
});

/** Where each key is given to a query, as it is written there. */
function places(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [file, source] of Object.entries(SOURCES)) {
    if (file.includes(".test.")) continue;
    for (const [, key] of source.matchAll(/ptions\(\{\s*queryKey: (\[[^\n]*\]),\n/g)) {
      if (key) found.set(key, [...(found.get(key) ?? []), file]);
    }
  }
  return found;
}

test("two queries with one key would show each other's answers", () => {
  const found = places();
  expect(found.size).toBeGreaterThan(30);
  expect([...found].filter(([, files]) => files.length > 1)).toEqual([]);
});
