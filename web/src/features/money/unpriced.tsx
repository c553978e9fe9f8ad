import { useQuery } from "@tanstack/react-query";
import { catalogueQuery, type Model } from "@/features/catalogue/queries";
import { optionsOf } from "@/features/catalogue/words";
import { Answer } from "@/ui/answer";
import { Empty } from "@/ui/notices";
import { Badge, Section, Table } from "@/ui/table";

/** What is offered and refused nevertheless: nobody knows what it costs. */
export function Unpriced() {
  const query = useQuery(catalogueQuery);
  return (
    <Section title="Without a price">
      <Answer query={query} what="what has no price">
        {({ data }) => <UnpricedTable models={data} />}
      </Answer>
    </Section>
  );
}

export function UnpricedTable({ models }: { models: Model[] }) {
  const without = models.filter((model) => model.enabled && model.unpriced.length > 0);
  if (without.length === 0) return <Empty title="Everything that is offered has a price" />;
  return (
    <Table caption="Without a price" heads={["Model", "Refused", "Until it has a price"]}>
      {without.map((model) => (
        <tr key={model.id}>
          <th scope="row" className="font-medium">
            {model.id}
          </th>
          <td>
            <Badge look="bad">{model.prices.length > 0 ? "some" : "all"}</Badge>
          </td>
          <td>{model.unpriced.map(optionsOf).join("; ")}</td>
        </tr>
      ))}
    </Table>
  );
}
