import { useQuery } from "@tanstack/react-query";
import { at } from "@/lib/place";
import { Button } from "@/ui/button";
import { issuersQuery } from "@/api/issuers";

/**
 * A button for each issuer of OpenID Connect, in the order of the settings. They are links: the
 * gateway sends the browser to the issuer, and back to `next`.
 */
export function Issuers({ next }: { next?: string | undefined }) {
  const { data = [] } = useQuery(issuersQuery);
  if (data.length === 0) return null;
  const query = next ? `?${new URLSearchParams({ next }).toString()}` : "";
  return (
    <section aria-label="Sign in with an account" className="mt-6 space-y-2">
      {data.map(({ id, name }) => (
        <Button key={id} asChild className="w-full">
          <a href={at(`app/oidc/${id}/begin${query}`)}>Sign in with {name}</a>
        </Button>
      ))}
      <p className="pt-4 text-center text-sm text-muted">or</p>
    </section>
  );
}
