import { useState } from "react";
import { type Asked, readBody } from "./form";
import type { Body, Model } from "./queries";
import type { Issue } from "./rules";

/**
 * The form as the body of the REST API. What it says is in the form at once; what no form can have
 * is told below, and nothing is sent before it is mended.
 */
export function JsonEditor({
  body,
  models,
  onAsked,
  onIssues,
}: {
  body: Body;
  models: Model[];
  onAsked: (asked: Asked) => void;
  onIssues: (issues: Issue[]) => void;
}) {
  const [text, setText] = useState(() => JSON.stringify(body, null, 2));
  const [issues, setIssues] = useState<Issue[]>([]);
  function type(next: string) {
    setText(next);
    const found = parsed(next, models);
    setIssues(found.issues);
    onIssues(found.issues);
    if (found.asked) onAsked(found.asked);
  }
  return (
    <div>
      <label htmlFor="play-json" className="text-sm font-medium">
        Body of <code>POST /api/v1/generations</code>
      </label>
      <textarea
        id="play-json"
        rows={16}
        spellCheck={false}
        value={text}
        aria-invalid={issues.length > 0}
        aria-describedby={issues.length > 0 ? "play-json-wrong" : undefined}
        onChange={(event) => type(event.target.value)}
        className="mt-1 w-full rounded-md border border-control bg-surface p-3 font-mono text-xs text-text aria-[invalid=true]:border-danger"
      />
      {issues.length > 0 && (
        <ul id="play-json-wrong" className="mt-1 space-y-1 text-xs font-medium text-danger">
          {issues.map((one) => (
            <li key={one.field + one.message}>
              {one.field && <code>{one.field}</code>} {one.message}.
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function parsed(text: string, models: Model[]): ReturnType<typeof readBody> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    return { issues: [{ field: "", message: `It is no JSON: ${String(error)}` }] };
  }
  return readBody(body, models);
}
