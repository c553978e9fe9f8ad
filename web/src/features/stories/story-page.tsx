import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { meQuery } from "@/api/me";
import { Said } from "@/features/desk/said";
import { credits, seconds } from "@/lib/format";
import { Answer } from "@/ui/answer";
import { Copy } from "@/ui/copy";
import { Fact, Facts } from "@/ui/facts";
import { Moment } from "@/ui/moment";
import { StateBadge } from "@/ui/state-badge";
import { Section } from "@/ui/table";
import { age, cost, why } from "./generation-table";
import { type Story, storyQuery } from "./queries";
import { StoryDeeds } from "./story-deeds";
import { StoryDeliveries } from "./story-deliveries";
import { ByHand, Events, Files, Inputs, Ledger, Submissions } from "./story-tables";

/** All that is known of one generation, and what can be done about it. */
export function StoryPage() {
  const { id } = useParams({ from: "/inside/desk/generations/$id" });
  const { data: me } = useSuspenseQuery(meQuery);
  const query = useQuery(storyQuery(id));
  const [said, setSaid] = useState("");
  return (
    <>
      <p className="text-sm">
        <Link to="/desk/generations" className="text-accent underline">
          Generations
        </Link>
      </p>
      <Answer query={query} what="the generation">
        {(story) => (
          <>
            <Head story={story} />
            <StoryDeeds of={story} operates={me.operates} onDone={setSaid} />
            <p role="status" className="mt-2 text-sm text-success">
              {said}
            </p>
            <Summary story={story} operates={me.operates} at={query.dataUpdatedAt} />
            {me.operates && story.has_upstream_answer && <Said id={story.id} />}
            <Section title="Tries upstream">
              <Submissions list={story.submissions} operates={me.operates} />
            </Section>
            <Section title="Credits">
              <Ledger list={story.ledger} />
            </Section>
            <Section title="What happened">
              <Events list={story.events} />
            </Section>
            <Section title="Files">
              <Files list={story.files} operates={me.operates} />
            </Section>
            {story.inputs.length > 0 && (
              <Section title="Images it is made of">
                <Inputs list={story.inputs} />
              </Section>
            )}
            <Section title="Webhooks">
              <StoryDeliveries list={story.deliveries} onDone={setSaid} />
            </Section>
            <Section title="Done by hand">
              <ByHand list={story.deeds} />
            </Section>
          </>
        )}
      </Answer>
    </>
  );
}

function Head({ story }: { story: Story }) {
  return (
    <div className="mt-1 flex flex-wrap items-start justify-between gap-2">
      <h1 className="min-w-0 text-xl font-semibold break-words">
        {story.spec.prompt ?? story.feature}
      </h1>
      <div className="flex items-center gap-2">
        <StateBadge state={story.state} />
        <Copy what="id" text={story.id} />
      </div>
    </div>
  );
}

function Summary({ story, operates, at }: { story: Story; operates: boolean; at: number }) {
  const { spec, error } = story;
  return (
    <Facts>
      <Fact name="Of">
        <Link
          to="/desk/generations"
          search={{ team: story.team_id, member: story.member_id }}
          className="text-accent underline"
        >
          {story.team}/{story.member}
        </Link>
      </Fact>
      <Fact name="With the key">
        <Link
          to="/desk/generations"
          search={{ key: story.key_id }}
          className="font-mono text-accent underline"
        >
          {story.key_prefix}…
        </Link>
      </Fact>
      <Fact name="Asked">
        {[spec.model, spec.duration, spec.resolution, spec.aspect_ratio].filter(Boolean).join(", ")}
        , through {story.dialect}
      </Fact>
      <Fact name="Credits">
        {cost(story)} of {credits(story.quote_credits)} quoted
      </Fact>
      <Fact name="Requested">
        <Moment at={story.created_at} />
      </Fact>
      <Fact name="Sent">{story.submitted_at ? <Moment at={story.submitted_at} /> : "not yet"}</Fact>
      <Fact name="Ended">
        {story.finished_at ? <Moment at={story.finished_at} /> : "not yet"}, after{" "}
        {seconds(age(story, at))}
      </Fact>
      <Fact name="Why">{error ? `${error.code}: ${error.message}` : why(story) || "–"}</Fact>
      <Fact name="Tries">
        {story.submission_count} sent, {story.poll_count} times asked how it stands
      </Fact>
      {operates && (
        <>
          <Fact name="Upstream key">{story.upstream_key ?? "none"}</Fact>
          <Fact name="Upstream's id">{story.upstream_id ?? "it gave none"}</Fact>
        </>
      )}
      {Object.entries(story.metadata).map(([tag, value]) => (
        <Fact key={tag} name={tag}>
          {value}
        </Fact>
      ))}
      {story.remixed_from && (
        <Fact name="Remix of">
          <Link
            to="/desk/generations/$id"
            params={{ id: story.remixed_from }}
            className="font-mono text-accent underline"
          >
            {story.remixed_from.slice(0, 8)}
          </Link>
        </Fact>
      )}
    </Facts>
  );
}
