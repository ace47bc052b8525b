/* Where a load balancer asks this node whether it has endpoints of a Service: an HTTP server for each such Service, with kube-proxy's
 * answers (its pkg/proxy/healthcheck/service_health.go). */

import { createServer, type Server, type ServerResponse } from "node:http";
import type { HealthChecked } from "#core/services/proxied-port.ts";
import type { Logger } from "#process/log.ts";

export interface HealthChecks extends Disposable {
  /** All that there are to be from now on. */
  set(checked: readonly HealthChecked[]): void;
}

export interface HealthChecksOptions {
  /** The node's. */
  readonly address: string;
  readonly log: Logger;
}

const requestMs = 5_000;

/** A port that is taken is tried again when the view changes: a Service that has it from another may be told of first. */
export function createHealthChecks({ address, log }: HealthChecksOptions): HealthChecks {
  const servers = new Map<number, Server>();
  let wanted: ReadonlyMap<number, HealthChecked> = new Map();

  const open = (port: number): void => {
    const server = createServer({ requestTimeout: requestMs, headersTimeout: requestMs }, (_request, response) =>
      answer(response, wanted.get(port)),
    );
    servers.set(port, server);
    server.on("error", (error) => {
      log.warn({ port, err: error }, "a health check's port could not be opened");
      servers.delete(port);
    });
    server.listen(port, address);
  };
  const close = (port: number, server: Server): void => {
    servers.delete(port);
    server.close();
    server.closeAllConnections();
  };

  return {
    set(checked) {
      wanted = new Map(checked.map((one) => [one.port, one]));
      for (const [port, server] of servers) if (!wanted.has(port)) close(port, server);
      for (const port of wanted.keys()) if (!servers.has(port)) open(port);
    },
    [Symbol.dispose]() {
      for (const [port, server] of servers) close(port, server);
    },
  };
}

function answer(response: ServerResponse, checked: HealthChecked | undefined): void {
  const { namespace = "", service = "", localEndpoints = 0 } = checked ?? {};
  const body = { service: { namespace, name: service }, localEndpoints, serviceProxyHealthy: true };
  response.writeHead(localEndpoints > 0 ? 200 : 503, {
    "content-type": "application/json",
    "x-content-type-options": "nosniff",
    "x-load-balancing-endpoint-weight": String(localEndpoints),
  });
  response.end(JSON.stringify(body, null, "\t"));
}
