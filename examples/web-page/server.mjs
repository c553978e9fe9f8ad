// Serves the page, and asks the gateway for it with the API key, which no browser ever sees.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { cancel, create, follow, gateway } from "./reelgate.mjs";

const { HOST = "127.0.0.1", PORT = "3000" } = process.env;
const LONGEST_BODY = 200_000;
const page = (file, type) => ({
  type: `${type}; charset=utf-8`,
  content: readFileSync(new URL(file, import.meta.url)),
});
const PAGES = {
  "/": page("index.html", "text/html"),
  "/page.js": page("dist/page.js", "text/javascript"),
  "/page.css": page("dist/page.css", "text/css"),
};
// Events, videos and their posters come from the gateway; all else comes from here.
const { origin } = new URL(gateway);
const HEADERS = {
  "Content-Security-Policy": [
    "default-src 'none'", "script-src 'self'", "style-src 'self'", `connect-src 'self' ${origin}`,
    `media-src ${origin}`, `img-src data: ${origin}`, "base-uri 'none'", "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "Cache-Control": "no-store",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

// Each browser is a user of its own. Where people sign in, return who is signed in instead.
function userOf(request) {
  return /(?:^|; *)visitor=([0-9a-f-]{36})(?:;|$)/.exec(request.headers.cookie ?? "")?.[1];
}

async function read(request) {
  let text = "";
  for await (const piece of request.setEncoding("utf8")) {
    if (text.length < LONGEST_BODY) text += piece;
  }
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const problem = (status, detail) => ({ status, body: { detail } });

async function answerTo(request, path) {
  const user = userOf(request);
  if (!user) return problem(403, "This browser sent no cookie. Allow cookies and reload the page.");
  const [, id, verb] = /^\/api\/videos(?:\/([0-9a-f-]{36})(\/cancel)?)?$/.exec(path) ?? [];
  if (request.method === "POST" && path === "/api/videos") {
    // A page of another origin cannot send this header.
    const click = request.headers["idempotency-key"];
    const wish = await read(request);
    return click && wish
      ? create(user, click, wish)
      : problem(400, "Send a wish in JSON, and an Idempotency-Key.");
  }
  if (request.method === "POST" && verb) return cancel(user, id);
  if (request.method === "GET" && id && !verb) return follow(user, id);
  return problem(404, "There is nothing here.");
}

createServer(async (request, response) => {
  const path = request.url.split("?")[0];
  if (request.method === "GET" && PAGES[path]) {
    const { type, content } = PAGES[path];
    const headers = { ...HEADERS, "Content-Type": type };
    if (!userOf(request)) {
      headers["Set-Cookie"] =
        `visitor=${randomUUID()}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000`;
    }
    response.writeHead(200, headers).end(content);
    return;
  }
  const { status, body } = await answerTo(request, path).catch((error) => {
    console.error(error);
    return problem(502, "The gateway does not answer.");
  });
  const headers = { ...HEADERS, "Content-Type": "application/json" };
  response.writeHead(status, headers).end(JSON.stringify(body));
}).listen(PORT, HOST, function () {
  console.log(`Open http://${HOST}:${this.address().port}`);
});
