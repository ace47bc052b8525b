import { deepEqual, throws } from "node:assert/strict";
import { AppError } from "#core/errors.ts";
import { failedAnswer, parseHostAnswer, parseHostRequest } from "../../embedded/host-requests.ts";

describe("a request to a cluster's hosts", () => {
  for (const request of [
    { op: "list" },
    { op: "add", count: 2, labels: { "topology.kubernetes.io/zone": "a" }, taken: ["node-4"] },
    { op: "start", name: "node-1" },
    { op: "stop", name: "node-1", timeoutMs: 0 },
    { op: "kill", name: "node-1" },
    { op: "remove", name: "node-1" },
  ]) {
    it(`to ${request.op} is read`, () => deepEqual(parseHostRequest(JSON.stringify(request)), request));
  }

  it("needs no labels and no names that are taken", () => {
    deepEqual(parseHostRequest('{"op":"add","count":1}'), { op: "add", count: 1, labels: {}, taken: [] });
  });

  for (const { line, message } of [
    { line: "", message: /JSON object on one line/ },
    { line: "[]", message: /JSON object on one line/ },
    { line: "{}", message: /want list, add, start, stop, kill or remove/ },
    { line: '{"op":"reboot"}', message: /op "reboot": want/ },
    { line: '{"op":"start"}', message: /name: want a name/ },
    { line: '{"op":"kill","name":7}', message: /name: want a name/ },
    { line: '{"op":"stop","name":"node-1"}', message: /timeoutMs: want a whole number from 0/ },
    { line: '{"op":"stop","name":"node-1","timeoutMs":1e12}', message: /timeoutMs: want a whole number/ },
    { line: '{"op":"add","count":0}', message: /count: want a whole number from 1/ },
    { line: '{"op":"add","count":1,"labels":{"a b":"c"}}', message: /label "a b=c": / },
    { line: '{"op":"add","count":1,"labels":{"a":1}}', message: /label "a": want a word/ },
    { line: '{"op":"add","count":1,"taken":"node-4"}', message: /taken: want a list/ },
  ]) {
    it(`is refused as ${JSON.stringify(line)}`, () => throws(() => parseHostRequest(line), { kind: "invalid", message }));
  }
});

describe("an answer about a cluster's hosts", () => {
  it("is the hosts", () => deepEqual(parseHostAnswer('{"hosts":[]}'), []));

  it("is the error, of its kind", () => {
    const answer = JSON.stringify(failedAnswer(new AppError("not-found", "there is no such node")));
    throws(() => parseHostAnswer(answer), { kind: "not-found", message: "there is no such node" });
  });

  it("is an internal error where it was a mistake", () => {
    throws(() => parseHostAnswer(JSON.stringify(failedAnswer(new Error("oops")))), { kind: "internal", message: "oops" });
  });
});
