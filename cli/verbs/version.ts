import { podwireVersion } from "#process/version.ts";
import { connect } from "../connect.ts";
import { jsonText, yamlText } from "../output/documents.ts";
import { UsageError } from "../usage-error.ts";
import type { Verb } from "../verb.ts";

interface VersionOptions {
  readonly client?: boolean;
  readonly output?: string;
}

interface Versions {
  readonly clientVersion: { readonly gitVersion: string };
  readonly serverVersion?: { readonly gitVersion: string };
  readonly cluster?: {
    readonly name: string;
    readonly podCIDR: string;
    readonly serviceCIDR: string;
    readonly timeScale: number;
  };
}

export const versionVerb: Verb<VersionOptions> = {
  usage: "[--client] [-o json|yaml]",
  description: "Print the version of this client and of the cluster's control plane.",
  examples: `
    # Client and server
    podwire version

    # This client alone, without a connection
    podwire version --client`,
  flags(command) {
    command.option("--client", "the client's version only; needs no cluster");
    command.option("-o, --output <format>", "json or yaml");
  },
  async run(invocation) {
    const { options, printer } = invocation;
    const client: Versions = { clientVersion: { gitVersion: `v${podwireVersion()}` } };
    if (options.client === true) {
      await printer.print(await render(client, options.output));
      return 0;
    }
    let versions = client;
    try {
      using connection = await connect(invocation);
      const info = await connection.client.info({}, connection.prompt(invocation.signal));
      versions = {
        ...client,
        serverVersion: { gitVersion: `v${info.version.replace(/^v/, "")}` },
        cluster: { name: info.cluster, podCIDR: info.podCIDR, serviceCIDR: info.serviceCIDR, timeScale: info.timeScale },
      };
    } finally {
      // The client's own version is known even where no cluster answers.
      await printer.print(await render(versions, options.output));
    }
    return 0;
  },
};

async function render(versions: Versions, format: string | undefined): Promise<string> {
  switch (format) {
    case undefined:
      return renderLines(versions);
    case "json":
      return jsonText(JSON.parse(JSON.stringify(versions)));
    case "yaml":
      return yamlText(JSON.parse(JSON.stringify(versions)));
    default:
      throw new UsageError("--output must be 'yaml' or 'json'");
  }
}

function renderLines({ clientVersion, serverVersion, cluster }: Versions): string {
  const lines = [`Client Version: ${clientVersion.gitVersion}`];
  if (serverVersion !== undefined) lines.push(`Server Version: ${serverVersion.gitVersion}`);
  if (cluster !== undefined) {
    lines.push(`Cluster: ${cluster.name} (pods ${cluster.podCIDR}, services ${cluster.serviceCIDR})`);
    lines.push(`Time Scale: ${cluster.timeScale}`);
  }
  return `${lines.join("\n")}\n`;
}
