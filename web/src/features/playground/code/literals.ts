/** A word for a shell: nothing in it is expanded. */
export function shell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** As JSON, indented to stand behind `indent` spaces. JavaScript reads it too. */
export function json(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, 2).replaceAll("\n", `\n${" ".repeat(indent)}`);
}

/** A literal of Python. Its strings are those of JSON. */
export function python(value: unknown, indent = 0): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = " ".repeat(indent + 4);
  const isList = Array.isArray(value);
  const lines = isList
    ? value.map((one) => `${inner}${python(one, indent + 4)},\n`)
    : Object.entries(value).map(
        ([name, one]) => `${inner}${JSON.stringify(name)}: ${python(one, indent + 4)},\n`,
      );
  const [open, close] = isList ? "[]" : "{}";
  return lines.length ? `${open}\n${lines.join("")}${" ".repeat(indent)}${close}` : `${open}${close}`;
}

/** Arguments by name of a call of Python, one a line. */
export function keywords(given: Record<string, unknown>): string {
  return Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `    ${name}=${python(value, 4)},\n`)
    .join("");
}
