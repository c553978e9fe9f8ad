import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { meQuery } from "@/api/me";
import { Answer } from "@/ui/answer";
import { Choice, Field } from "@/ui/field";
import { Empty } from "@/ui/notices";
import { ModelCard } from "./model-card";
import { type Catalogue, catalogueQuery } from "./queries";
import { type CatalogueSearch, catalogueSearch, SHOWN } from "./search";
import { matching, POLICIES, sorted } from "./words";

const SAID = {
  all: "all",
  offered: "offered",
  retiring: "with an end",
  disabled: "not offered",
  unpriced: "offered, without a price",
};

/** Every model there is, also those that nobody can have, and why. */
export function CataloguePage() {
  const { data: me } = useSuspenseQuery(meQuery);
  return (
    <>
      <h1 className="text-xl font-semibold">Catalogue</h1>
      {me.operates ? (
        <Models />
      ) : (
        <div className="mt-4">
          <Empty title="The catalogue is for operators">
            What your team can make, and what that costs, programs read at /api/v1/models.
          </Empty>
        </div>
      )}
    </>
  );
}

function Models() {
  const search = useSearch({ from: "/inside/desk/catalogue" });
  const query = useQuery(catalogueQuery);
  return (
    <>
      <Filters search={search} />
      <Answer query={query} what="the catalogue">
        {(catalogue) => <List catalogue={catalogue} search={search} now={new Date()} />}
      </Answer>
    </>
  );
}

function Filters({ search }: { search: CatalogueSearch }) {
  const navigate = useNavigate({ from: "/desk/catalogue" });
  function change(changed: Record<string, unknown>) {
    // Of what the address has by then: two changes may come before one is shown.
    void navigate({ search: (now) => catalogueSearch({ ...now, ...changed }), replace: true });
  }
  return (
    <div className="mt-4 mb-4 flex flex-wrap gap-3">
      <Choice
        label="Show"
        value={search.show ?? "all"}
        onChange={(event) => change({ show: event.target.value })}
      >
        {SHOWN.map((one) => (
          <option key={one} value={one}>
            {SAID[one]}
          </option>
        ))}
      </Choice>
      <Field
        label="Name"
        type="search"
        placeholder="ray, kling, an alias"
        defaultValue={search.q ?? ""}
        onChange={(event) => change({ q: event.target.value })}
      />
    </div>
  );
}

export function List({
  catalogue,
  search,
  now,
}: {
  catalogue: Catalogue;
  search: CatalogueSearch;
  now: Date;
}) {
  const offered = catalogue.data.filter((model) => model.enabled).length;
  const found = matching(sorted(catalogue.data), search);
  return (
    <>
      <p className="mb-4 text-sm">
        {offered} of {catalogue.data.length} models are offered.{" "}
        <span className="text-muted">{POLICIES[catalogue.flagged_rules]}</span>
      </p>
      {found.length === 0 ? (
        <Empty title="No model matches" />
      ) : (
        <ul aria-label="Models" className="space-y-2">
          {found.map((model) => (
            <ModelCard key={model.id} of={model} policy={catalogue.flagged_rules} now={now} />
          ))}
        </ul>
      )}
    </>
  );
}
