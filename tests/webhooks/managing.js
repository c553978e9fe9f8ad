// Runs beside the OpenAI SDK: all that a user does with webhook endpoints. Prints what it saw as
// JSON; the tests judge it.
const OpenAI = require("openai");

async function refused(ask) {
  try {
    await ask();
  } catch (error) {
    return [error.constructor.name, error.code, error.param];
  }
  throw new Error("it was not refused");
}

async function main() {
  const url = process.argv[2];
  const client = new OpenAI();
  const hooks = client.webhooks;
  const types = (await hooks.eventTypes.list()).data;
  const both = ["video.failed", "video.completed"];
  const made = await hooks.create({ name: "ours", url, event_types: both });
  const other = await hooks.create({ name: "other", url, event_types: ["video.failed"] });
  const listed = [];
  for await (const each of hooks.list({ limit: 1 })) listed.push(each.id);
  const changes = { name: "mine", event_types: ["video.completed"] };
  const plain = { name: "x", url: "http://a.example/", event_types: ["video.failed"] };
  const seen = {
    types,
    made,
    listed,
    got: await hooks.retrieve(made.id),
    updated: await hooks.update(made.id, changes),
    tested: await hooks.test(made.id, { event_type: "video.completed" }),
    rotated: await hooks.rotateSecret(made.id, { keep_old_secret_active_for_24_hours: true }),
    deleted: await hooks.delete(other.id),
    other: other.id,
    gone: await refused(() => hooks.retrieve(other.id)),
    plain: await refused(() => hooks.create(plain)),
    foreign: await refused(() => hooks.test(made.id, { event_type: "batch.completed" })),
    video: (await client.videos.create({ prompt: "a paper boat" })).id,
  };
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
