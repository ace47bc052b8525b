/* `podwire autoscale`: a HorizontalPodAutoscaler for a workload that is there. */

import type { JsonObject } from "#core/json.ts";
import { quantityProblem } from "#core/quantity.ts";
import { connect } from "../connect.ts";
import { integerFlag } from "../duration.ts";
import { getOne } from "../objects.ts";
import { kindOf, namespaceOf, parseOneTarget } from "../targets.ts";
import { badFlag, UsageError } from "../usage-error.ts";
import type { Verb } from "../verb.ts";
import { inNamespace, modeFlags, type WriteOptions, writeDocuments, writeModes } from "../write.ts";
import { callCreate } from "./create.ts";

interface AutoscaleOptions extends WriteOptions {
  readonly name?: string;
  readonly min?: number;
  readonly max?: number;
  readonly cpu?: string;
  readonly cpuPercent?: number;
  readonly memory?: string;
  readonly requestsPerSecond?: string;
}

export const autoscaleVerb: Verb<AutoscaleOptions> = {
  usage: "(KIND NAME | KIND/NAME) --max=COUNT [--min=COUNT] [--cpu-percent=PERCENT] [flags]",
  description: `Create a HorizontalPodAutoscaler: it keeps the number of a Deployment's, ReplicaSet's or StatefulSet's pods to what
they use. --cpu and --memory take a share of what the pods request (60%) or an amount for each (200m, 64Mi).`,
  examples: `
    # Two to ten pods that use 60 % of the cpu that they request
    podwire autoscale deploy/web --min 2 --max 10 --cpu-percent 60

    # As many as it takes for 20 requests per second each
    podwire autoscale deploy/web --max 10 --requests-per-second 20

    # What it measures, and what it wants
    podwire get hpa -w`,
  flags(command) {
    command
      .option("--name <name>", "the autoscaler's name; the workload's where absent")
      .option("--min <count>", "never fewer pods", integerFlag("--min"))
      .option("--max <count>", "never more pods; required", integerFlag("--max"))
      .option("--cpu <amount>", "cpu of each pod: a share of its request or an amount")
      .option(
        "--cpu-percent <percent>",
        "the same as --cpu with a share; 80 where no flag names a metric",
        integerFlag("--cpu-percent"),
      )
      .option("--memory <amount>", "memory of each pod: a share of its request or an amount")
      .option("--requests-per-second <count>", "requests that come to each pod through Services");
    modeFlags(command);
  },
  async run(invocation) {
    const { args, options, globals, signal } = invocation;
    const [first, second, ...more] = args;
    if (first === undefined || more.length > 0) {
      throw new UsageError("want one workload to scale: deployment NAME or deployment/NAME", { inFlags: true });
    }
    const target = second === undefined ? parseOneTarget(first, kindOf("deployments")) : { kind: kindOf(first), name: second };
    const { min, max, name = target.name } = options;
    if (max === undefined || max < 1) throw new UsageError(`--max=MAXPODS is required and must be at least 1, max: ${max ?? 0}`);
    if (min !== undefined && max < min)
      throw new UsageError(`--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${max}, min: ${min}`);
    const metrics = metricsOf(options);
    const modes = writeModes(options);
    using connection = await connect(invocation);
    const namespace = namespaceOf(target, globals.namespace);
    const { kind } = await getOne(connection, { ...target, namespace }, signal);
    const autoscaler = {
      ...{ apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", metadata: { name } },
      spec: {
        scaleTargetRef: { apiVersion: kind.apiVersion, kind: kind.kind, name: target.name },
        ...(min === undefined ? {} : { minReplicas: min }),
        ...{ maxReplicas: max, metrics },
      },
    };
    const documents = [inNamespace(autoscaler, invocation)];
    return writeDocuments(invocation, { call: callCreate, modes, documents, done: "autoscaled" });
  },
};

function metricsOf({ cpu, cpuPercent, memory, requestsPerSecond }: AutoscaleOptions): JsonObject[] {
  if (cpu !== undefined && cpuPercent !== undefined) throw new UsageError("--cpu and --cpu-percent cannot be used together");
  const resource = (name: string, flag: string, amount: string | undefined): JsonObject[] =>
    amount === undefined ? [] : [{ type: "Resource", resource: { name, target: resourceTarget(flag, amount) } }];
  return [
    ...resource("cpu", "--cpu", cpuPercent === undefined ? cpu : `${cpuPercent}%`),
    ...resource("memory", "--memory", memory),
    ...(requestsPerSecond === undefined
      ? []
      : [
          {
            type: "Pods",
            pods: {
              metric: { name: "requests_per_second" },
              target: { type: "AverageValue", averageValue: quantityFlag("--requests-per-second", requestsPerSecond) },
            },
          },
        ]),
  ];
}

function resourceTarget(flag: string, amount: string): JsonObject {
  const percent = /^([0-9]+)%$/.exec(amount)?.[1];
  if (percent !== undefined) return { type: "Utilization", averageUtilization: Number(percent) };
  return { type: "AverageValue", averageValue: quantityFlag(flag, amount) };
}

function quantityFlag(flag: string, text: string): string {
  const problem = quantityProblem(text);
  if (problem !== undefined) throw badFlag(flag, text, problem);
  return text;
}
