// Runs beside the `node_modules` that hold the OpenAI SDK: everything a user does with it. Prints
// what it saw as JSON; the tests judge it.
const { createHash } = require("node:crypto");
const OpenAI = require("openai");

const given = JSON.parse(process.argv[2]);
const name = given.name;
const sent = [];
const seen = {};

const counting = (url, init) => {
  sent.push(new Headers(init.headers).get("x-stainless-retry-count") ?? "-");
  return fetch(url, init);
};

async function refused(ask) {
  const before = sent.length;
  try {
    await ask();
  } catch (error) {
    return {
      class: error.constructor.name, status: error.status, code: error.code, param: error.param,
      type: error.type, message: error.message, request_id: error.requestID,
      attempts: sent.length - before,
    };
  }
  throw new Error("it was not refused");
}

const bytesOf = async (answer) => Buffer.from(await answer.arrayBuffer());
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function main() {
  const client = new OpenAI({ fetch: counting });

  const { data: first, response } = await client.videos
    .create({ prompt: `${name} first`, model: "sora-2", seconds: "4", size: "1280x720" })
    .withResponse();
  seen.created = first;
  seen.adjusted = response.headers.get("reelgate-adjusted");

  let polled = await client.videos.create({
    prompt: `${name} polled`, model: "sora-2-pro", loop: true, resolution: "720p",
    metadata: { cost_centre: "4711", project: "Ω" },
  });
  while (polled.status === "queued" || polled.status === "in_progress") {
    await new Promise((done) => setTimeout(done, 100));
    polled = await client.videos.retrieve(polled.id);
  }
  seen.polled = polled;
  seen.polled_again = polled.status;

  seen.downloaded = sha256(await bytesOf(await client.videos.downloadContent(polled.id)));
  const streamed = createHash("sha256");
  for await (const block of (await client.videos.downloadContent(polled.id)).body) {
    streamed.update(block);
  }
  seen.streamed = streamed.digest("hex");
  const part = { headers: { Range: "bytes=4-7" } };
  seen.head = (await bytesOf(await client.videos.downloadContent(polled.id, {}, part))).toString();
  const variant = { variant: "thumbnail" };
  // Until the video is in the archive, the answer says that it may be tried again.
  const patient = { maxRetries: 20 };
  const pictured = client.videos.downloadContent(polled.id, variant, patient);
  const thumbnail = await bytesOf(await pictured);
  seen.thumbnail = thumbnail.subarray(0, 4).toString("hex");

  const remix = await client.videos.remix(polled.id, { prompt: `${name} remixed` });
  seen.remix = remix;
  const more = [];
  for (let number = 0; number < 3; number++) {
    more.push((await client.videos.create({ prompt: `${name} ${number}` })).id);
  }
  seen.made = [...more.reverse(), remix.id, polled.id, first.id];
  seen.listed = [];
  for await (const video of client.videos.list({ limit: 2 })) seen.listed.push(video.id);
  seen.listed_asc = [];
  for await (const video of client.videos.list({ limit: 4, order: "asc" })) {
    seen.listed_asc.push(video.id);
  }
  seen.tagged = [];
  const tagged = { limit: 1, metadata: { cost_centre: "4711" } };
  for await (const video of client.videos.list(tagged)) seen.tagged.push(video.id);
  seen.deleted = await client.videos.delete(polled.id);
  seen.models = [];
  for await (const model of client.models.list()) seen.models.push(model.id);
  seen.model = (await client.models.retrieve('openai/sora-2')).id;

  const image = await OpenAI.toFile(Buffer.from(given.picture, "base64"), "cat.png");
  seen.pictured = await client.videos.create({ prompt: `${name} pictured`, input_reference: image });

  const picture = await OpenAI.toFile(Buffer.from("picture"), "cat.png");
  const nobody = new OpenAI({ fetch: counting, apiKey: "wrong" });
  const poor = new OpenAI({ fetch: counting, apiKey: given.poor_key });
  seen.errors = {
    nobody: await refused(() => nobody.videos.list()),
    unknown: await refused(() => client.videos.retrieve("video_" + "0".repeat(32))),
    expired: await refused(() => client.videos.downloadContent(polled.id)),
    size: await refused(() => client.videos.create({ prompt: "x", size: "640x480" })),
    file: await refused(() => client.videos.create({ prompt: "x", input_reference: picture })),
    poor: await refused(() => poor.videos.create({ prompt: "x" })),
  };

  // More attempts than the network loses: on a busy machine the third may take too long as well.
  const lossy = { baseURL: given.swallowing, timeout: 3000, maxRetries: 6 };
  const slow = new OpenAI({ ...lossy, fetch: counting });
  const before = sent.length;
  const video = await slow.videos.create({ prompt: `${name} slow` });
  seen.slow = { id: video.id, attempts: sent.slice(before) };

  const { body, headers, secret } = given.event;
  const event = await client.webhooks.unwrap(body, headers, secret);
  seen.event = { type: event.type, video: event.data.id };
  try {
    await client.webhooks.unwrap(body + " ", headers, secret);
  } catch (error) {
    if (error.constructor.name === "InvalidWebhookSignatureError") seen.forged = "refused";
  }
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
