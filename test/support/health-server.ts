import { Server, ServerCredentials } from "@grpc/grpc-js";

/** A server of grpc.health.v1 that answers with these bytes, or this code; records which services were asked for. */
export async function healthServer(answer: Buffer | number): Promise<{ address: string; asked: string[]; stop: () => void }> {
  const server = new Server();
  const asked: string[] = [];
  const method = { path: "/grpc.health.v1.Health/Check", requestStream: false, responseStream: false };
  const codec = {
    requestDeserialize: (bytes: Buffer) => bytes,
    requestSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Buffer) => bytes,
  };
  const check = (call: { request: Buffer }, done: (error: object | null, answer?: Buffer) => void) => {
    asked.push(call.request.toString("latin1"));
    if (typeof answer === "number") done({ code: answer, details: "as told" });
    else done(null, answer);
  };
  server.addService({ Check: { ...method, ...codec } }, { Check: check });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port))),
  );
  return { address: `127.0.0.1:${port}`, asked, stop: () => server.forceShutdown() };
}
