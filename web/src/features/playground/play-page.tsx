import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect } from "react";
import { type Me, meQuery } from "@/api/me";
import { type Model, modelsQuery } from "@/api/models";
import { generationQuery } from "@/features/gallery/queries";
import { Answer } from "@/ui/answer";
import { Empty, Loading } from "@/ui/notices";
import { remade, searchOf } from "./address";
import { usualModel } from "./model-choice";
import { Playground } from "./playground";

/** Where a video is asked for, and seen to arrive. */
export function PlayPage() {
  const { data: me } = useSuspenseQuery(meQuery);
  const models = useQuery(modelsQuery);
  const refusal = whyNot(me);
  return (
    <>
      <h1 className="mb-4 text-xl font-semibold">Playground</h1>
      {refusal ? (
        <Empty title="You cannot generate here">{refusal}</Empty>
      ) : (
        <Answer query={models} what="the models">
          {(all) => <Chosen me={me} models={all.filter(({ id }) => me.key.models?.includes(id) ?? true)} />}
        </Answer>
      )}
    </>
  );
}

function Chosen({ me, models }: { me: Me; models: Model[] }) {
  const search = useSearch({ from: "/inside/play" });
  const first = usualModel(models);
  if (!first) return <Empty title="There is no model">Your key may use none of those that are offered.</Empty>;
  if (search.from) return <Again id={search.from} models={models} />;
  return <Playground me={me} models={models} first={first} search={search} />;
}

/** Fills the form from an earlier video. */
function Again({ id, models }: { id: string; models: Model[] }) {
  const made = useQuery(generationQuery(id));
  const navigate = useNavigate({ from: "/play" });
  useEffect(() => {
    const asked = made.data && remade(made.data, models);
    if (asked) void navigate({ search: searchOf(asked).search, replace: true });
  }, [made.data, models, navigate]);
  return (
    <Answer query={made} what="the video">
      {(video) =>
        remade(video, models) ? (
          <Loading what="the form" />
        ) : (
          <Empty title="It cannot be made again">The model {video.spec.model} is not offered to you any more.</Empty>
        )
      }
    </Answer>
  );
}

export function whyNot(me: Pick<Me, "status" | "key">): string | null {
  if (me.status === "SUSPENDED") return "You are suspended: you can watch and download your videos.";
  if (!me.key.scopes.includes("generate")) return "The key of this session may look, and not generate.";
  return null;
}
