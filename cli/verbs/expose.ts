/* `podwire expose`: a Service in front of what is there already, with its labels as the selector. */

import { connect } from "../connect.ts";
import { integerFlag } from "../duration.ts";
import { exposedService } from "../exposed-service.ts";
import { getOne } from "../objects.ts";
import { parseLabelPairs } from "../pairs.ts";
import { kindOf, namespaceOf, parseOneTarget } from "../targets.ts";
import { UsageError } from "../usage-error.ts";
import type { Verb } from "../verb.ts";
import { inNamespace, modeFlags, type WriteOptions, writeDocuments, writeModes } from "../write.ts";
import { callCreate } from "./create.ts";

interface ExposeOptions extends WriteOptions {
  readonly name?: string;
  readonly port?: string;
  readonly targetPort?: string;
  readonly protocol: string;
  readonly type: string;
  readonly selector?: string;
  readonly labels?: string;
  readonly clusterIp?: string;
  readonly sessionAffinity?: string;
}

export const exposeVerb: Verb<ExposeOptions> = {
  usage: "(KIND NAME | KIND/NAME) [--port=PORT] [--target-port=PORT|NAME] [--name=NAME] [--type=TYPE] [flags]",
  description: `Create a Service in front of a pod, of a Deployment's pods, or a second one in front of another Service's. Its selector
is theirs, or the pod's labels; its ports are those that the containers name, unless --port says another.`,
  examples: `
    # The pod's own ports, under the pod's name
    podwire expose pod web

    # Port 80 leads to the pods' 8080; also at a port of every node
    podwire expose pod web --port=80 --target-port=8080 --name=shop --type=NodePort

    # No address of its own: DNS answers with the pods'
    podwire expose pod web --port=80 --cluster-ip=None`,
  flags(command) {
    command
      .option("--name <name>", "the Service's name; that of what is exposed where absent")
      .option("--port <ports>", "the Service's port, or several parted by commas")
      .option("--target-port <port>", "the pods' port, a number or a name; the same where absent")
      .option("--protocol <protocol>", "TCP or UDP", "TCP")
      .option("--type <type>", "ClusterIP, NodePort or LoadBalancer", "ClusterIP")
      .option("--selector <labels>", "the pods' labels, in place of those found")
      .option("-l, --labels <labels>", "the Service's own labels; those of what is exposed where absent")
      .option("--cluster-ip <address>", "its address, or None")
      .option("--session-affinity <how>", "None or ClientIP");
    modeFlags(command);
  },
  async run(invocation) {
    const { args, options, globals, signal } = invocation;
    const [first, second, ...more] = args;
    if (first === undefined || more.length > 0) {
      throw new UsageError("want one object to expose: pod NAME, pod/NAME or service NAME", { inFlags: true });
    }
    const target = second === undefined ? parseOneTarget(first, kindOf("pods")) : { kind: kindOf(first), name: second };
    const modes = writeModes(options);
    using connection = await connect(invocation);
    const namespace = namespaceOf(target, globals.namespace);
    const { object } = await getOne(connection, { ...target, namespace }, signal);
    const { selector, labels, port, ...flags } = options;
    const service = exposedService(
      { kind: target.kind, object },
      {
        ...flags,
        ...(selector === undefined ? {} : { selector: parseLabelPairs(selector.split(","), "label") }),
        ...(labels === undefined ? {} : { labels: parseLabelPairs(labels.split(","), "label") }),
        ports: port === undefined ? [] : port.split(",").map(integerFlag("--port")),
      },
    );
    return writeDocuments(invocation, {
      call: callCreate,
      modes,
      documents: [inNamespace(service, invocation)],
      done: "exposed",
    });
  },
};
