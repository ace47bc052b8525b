/* What an autoscaler makes of a new pod: its containers ask for what is recommended, and their limits grow or shrink with that. Pure. */

import { own } from "#core/json.ts";
import { formatQuantity, parseQuantity, quantityProblem } from "#core/quantity.ts";
import type { Container, ContainerRecommendation, Pod, VerticalPodAutoscaler } from "#proto/podwire/v1/resources.ts";
import { nameOf } from "../../state/objects.ts";
import { containerPolicyOf } from "./container-policy.ts";
import { type ResourceName, resourceNames } from "./estimate.ts";
import { atMost } from "./recommend.ts";

const updatesAnnotation = "vpaUpdates";

/** The pod as it is made; the same pod where the autoscaler has nothing to say of it. */
export function withRecommendation(pod: Pod, autoscaler: VerticalPodAutoscaler): Pod {
  const { metadata, spec } = pod;
  if (metadata === undefined || spec === undefined || autoscaler.spec?.updatePolicy?.updateMode === "Off") return pod;
  const changes = spec.containers.map((container) => changeOf(container, autoscaler));
  const said = changes.flatMap(({ updates }, i) => (updates.length === 0 ? [] : [`container ${i}: ${updates.join(", ")}`]));
  if (said.length === 0) return pod;
  const updates = `Pod resources updated by ${nameOf(autoscaler)}: ${said.join("; ")}`;
  return {
    ...pod,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [updatesAnnotation]: updates } },
    spec: { ...spec, containers: changes.map(({ container }) => container) },
  };
}

interface Change {
  readonly container: Container;
  /** What became different, in the words of the annotation. */
  readonly updates: readonly string[];
}

function changeOf(container: Container, autoscaler: VerticalPodAutoscaler): Change {
  const requests = recommendationFor(container, autoscaler)?.target ?? {};
  const limits = requestsOnly(container, autoscaler) ? {} : limitsInProportion(container, requests);
  const updates = [
    ...Object.keys(requests).map((name) => `${name} request`),
    ...Object.keys(limits).map((name) => `${name} limit`),
  ];
  if (updates.length === 0) return { container, updates };
  const before = container.resources ?? { requests: {}, limits: {}, claims: [] };
  const resources = { ...before, limits: { ...before.limits, ...limits }, requests: { ...before.requests, ...requests } };
  return { container: { ...container, resources }, updates };
}

/**
 * What the autoscaler recommends for a container as it is: where limits stay as they are, no more than they are, or no such pod could
 * be made, or it would be evicted for asking for too little for ever. What is no quantity is left out: a status is anybody's to write.
 */
export function recommendationFor(container: Container, autoscaler: VerticalPodAutoscaler): ContainerRecommendation | undefined {
  const { containerRecommendations = [] } = autoscaler.status?.recommendation ?? {};
  const found = containerRecommendations.find(({ containerName }) => containerName === container.name);
  if (found === undefined || containerPolicyOf(autoscaler, container.name ?? "")?.mode === "Off") return undefined;
  const most = requestsOnly(container, autoscaler) ? (container.resources?.limits ?? {}) : {};
  const within = (quantities: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      resourceNames.flatMap((name) => {
        const text = own(quantities, name);
        return positive(text) === undefined || text === undefined ? [] : [[name, atMost(text, own(most, name))]];
      }),
    );
  return {
    ...found,
    target: within(found.target),
    lowerBound: within(found.lowerBound),
    upperBound: within(found.upperBound),
  };
}

function requestsOnly(container: Container, autoscaler: VerticalPodAutoscaler): boolean {
  return containerPolicyOf(autoscaler, container.name ?? "")?.controlledValues === "RequestsOnly";
}

/** As far above the new requests as they were above the old ones. A container without a limit gets none. */
function limitsInProportion({ resources }: Container, requests: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(requests).flatMap(([name, text]) => {
      const limitText = own(resources?.limits ?? {}, name);
      const limit = positive(limitText);
      if (limit === undefined || limitText === undefined) return [];
      const request = positive(own(resources?.requests ?? {}, name)) ?? limit;
      const wanted = parseQuantity(text);
      if (request === limit) return [[name, text]];
      const unit = unitOf(name as ResourceName);
      const scaled = ((limit * wanted) / request / unit) * unit;
      const next = scaled > wanted ? scaled : wanted;
      return [[name, formatQuantity(next, limitText.endsWith("i") ? "binary" : "decimal")]];
    }),
  );
}

function positive(text: string | undefined): bigint | undefined {
  if (text === undefined || quantityProblem(text) !== undefined) return undefined;
  const value = parseQuantity(text);
  return value > 0n ? value : undefined;
}

/** Whole millicores, or bytes, in billionths. */
function unitOf(name: ResourceName): bigint {
  return name === "cpu" ? 1_000_000n : 1_000_000_000n;
}
