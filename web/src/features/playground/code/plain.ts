import type { Body, Model } from "../queries";
import { json, python, shell } from "./literals";
import type { Snippet, Wish } from "./wish";

/** The body of a request to 1min.ai's API; null if it cannot say it. */
export function nativeBody({ model, body }: Pick<Wish, "model" | "body">): Body | null {
  if (body.callback_url !== undefined) return null;
  const { user, metadata } = body;
  return {
    type: model.feature,
    model: model.provider,
    promptObject: promptObject(model, body),
    ...(user !== undefined && { user }),
    ...(metadata !== undefined && { metadata }),
  };
}

/** With what chooses the model behind the first option, as in 1min.ai's examples. */
function promptObject(model: Model, body: Body): Body {
  const said = model.options.flatMap((option) => {
    const value = body[option.name];
    if (value === undefined) return [];
    const place = option.allowed?.indexOf(value as string) ?? -1;
    return [[option.native_name, option.native_allowed?.[place] ?? value] as const];
  });
  return Object.fromEntries([
    ...said.slice(0, 1),
    ...Object.entries(model.native_fixed),
    ...said.slice(1),
  ]);
}

export function nativeCurl(wish: Wish): Snippet | null {
  const body = nativeBody(wish);
  return body && { id: "curl", title: "cURL", notes: [], code: curl(`${wish.origin}/api/features`, body) };
}

export function restCurl({ body, origin }: Wish): Snippet {
  // The same request has the same one: sent twice, it makes one video.
  const once = `play-${digest(JSON.stringify(body))}`;
  const headers = [`--header 'Idempotency-Key: ${once}'`];
  const code = curl(`${origin}/api/v1/generations`, body, headers);
  return {
    id: "rest",
    title: "REST",
    code,
    notes: ["It returns at once. Sent again, it returns the same video, and nothing more is paid."],
  };
}

function curl(address: string, body: Body, headers: string[] = []): string {
  return [
    `curl ${shell(address)}`,
    `--header "API-KEY: $REELGATE_KEY"`,
    "--header 'Content-Type: application/json'",
    ...headers,
    `--data ${shell(json(body))}\n`,
  ].join(" \\\n  ");
}

/** Asks again until there is a video: a browser or Node waits for no answer that long. */
export function nativeFetch(wish: Wish): Snippet | null {
  const body = nativeBody(wish);
  if (!body) return null;
  const code = `const gateway = ${JSON.stringify(wish.origin)};
const headers = { "API-KEY": process.env.REELGATE_KEY, "Content-Type": "application/json" };
const answer = await fetch(\`\${gateway}/api/features\`, {
  method: "POST",
  headers: { ...headers, Prefer: "respond-async" },
  body: JSON.stringify(${json(body, 2)}),
});
if (!answer.ok) throw new Error(await answer.text());
let { aiRecord } = await answer.json();
while (aiRecord.status === "PROCESSING") {
  await new Promise((done) => setTimeout(done, 5000));
  const again = await fetch(\`\${gateway}/api/results/\${aiRecord.uuid}\`, { headers });
  if (!again.ok) throw new Error(await again.text());
  ({ aiRecord } = await again.json());
}
console.log(aiRecord.uuid, aiRecord.status, aiRecord.temporaryUrl);
`;
  return { id: "fetch", title: "fetch", code, notes: [] };
}

export function nativeRequests(wish: Wish): Snippet | null {
  const body = nativeBody(wish);
  if (!body) return null;
  const code = `import os

import requests

url = ${JSON.stringify(`${wish.origin}/api/features`)}
headers = {"API-KEY": os.environ["REELGATE_KEY"]}
data = ${python(body)}
response = requests.post(url, headers=headers, json=data, timeout=1800)
response.raise_for_status()
record = response.json()["aiRecord"]
print(record["uuid"], record["status"], record["temporaryUrl"])
`;
  return { id: "requests", title: "Python", code, notes: ["It waits for the video."] };
}

/** Short, and another one for another text. */
export function digest(text: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let place = 0; place < text.length; place += 1) {
    const code = text.charCodeAt(place);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return [high, low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}
