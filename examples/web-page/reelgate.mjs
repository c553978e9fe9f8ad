// All that your server does with the API key: three functions for whatever web framework you use.
export const gateway = process.env.REELGATE_URL;
const key = process.env.REELGATE_KEY;
if (!gateway || !key) throw new Error("Set REELGATE_URL and REELGATE_KEY.");

async function call(method, path, headers, body) {
  const signal = AbortSignal.timeout(30_000);
  const sent = { method, headers: { "API-KEY": key, ...headers }, body, signal };
  const answer = await fetch(`${gateway}/api/v1${path}`, sent);
  return { ok: answer.ok, status: answer.status, body: await answer.json() };
}

async function find(user, id) {
  const found = await call("GET", `/generations/${id}`);
  if (!found.ok || found.body.user === user) return found;
  return { ok: false, status: 404, body: { detail: "You have no such video." } };
}

// The page chooses the prompt and the shape. What it costs, and whose it is, is decided here.
// The same click again returns the same video, so a lost answer never pays twice.
export async function create(user, click, { prompt, aspect_ratio }) {
  const fixed = { feature: "TEXT_TO_VIDEO", model: "ray-v3", duration: "5s", user };
  const once = { "Idempotency-Key": `${user}:${click}` };
  const wish = JSON.stringify({ ...fixed, prompt, aspect_ratio });
  const made = await call("POST", "/generations", once, wish);
  return made.ok ? follow(user, made.body.id) : made;
}

// The token opens the events of this video for five minutes, and nothing else.
export async function follow(user, id) {
  const found = await find(user, id);
  if (!found.ok) return found;
  const { ok, status, body } = await call("POST", `/events/token?generation_id=${id}`);
  const events = `${gateway}/api/v1/generations/${id}/events?token=${body.token}`;
  return ok ? { status: 200, body: { generation: found.body, events } } : { status, body };
}

export async function cancel(user, id) {
  const found = await find(user, id);
  return found.ok ? call("POST", `/generations/${id}/cancel`) : found;
}
