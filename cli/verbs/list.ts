import type { VerbEntry } from "../verb.ts";

/** Every verb, in the order of the help. A new one is a file in this folder and a line here. */
export const verbs: readonly VerbEntry[] = [
  {
    name: "get",
    group: "Basic Commands",
    summary: "Display one or many objects",
    load: async () => (await import("./get.ts")).getVerb,
  },
  {
    name: "describe",
    group: "Basic Commands",
    summary: "Show the details of one or many objects",
    load: async () => (await import("./describe.ts")).describeVerb,
  },
  {
    name: "apply",
    group: "Basic Commands",
    summary: "Create or change objects as a file says",
    load: async () => (await import("./apply.ts")).applyVerb,
  },
  {
    name: "create",
    group: "Basic Commands",
    summary: "Create objects from a file or from flags",
    load: async () => (await import("./create.ts")).createVerb,
  },
  {
    name: "run",
    group: "Basic Commands",
    summary: "Create a pod of an image",
    load: async () => (await import("./run.ts")).runVerb,
  },
  {
    name: "delete",
    group: "Basic Commands",
    summary: "Delete objects by name, file or label",
    load: async () => (await import("./delete.ts")).deleteVerb,
  },
  {
    name: "wait",
    group: "Basic Commands",
    summary: "Wait until objects reach a condition",
    load: async () => (await import("./wait.ts")).waitVerb,
  },
  {
    name: "label",
    group: "Basic Commands",
    summary: "Set and take away labels of objects",
    load: async () => (await import("./label.ts")).labelVerb,
  },
  {
    name: "annotate",
    group: "Basic Commands",
    summary: "Set and take away annotations of objects",
    load: async () => (await import("./annotate.ts")).annotateVerb,
  },
  {
    name: "patch",
    group: "Basic Commands",
    summary: "Change parts of an object",
    load: async () => (await import("./patch.ts")).patchVerb,
  },
  {
    name: "edit",
    group: "Basic Commands",
    summary: "Change an object in an editor",
    load: async () => (await import("./edit.ts")).editVerb,
  },
  {
    name: "up",
    group: "Cluster Management Commands",
    summary: "Start a cluster on this machine",
    load: async () => (await import("./up.ts")).upVerb,
  },
  {
    name: "down",
    group: "Cluster Management Commands",
    summary: "End a cluster on this machine",
    load: async () => (await import("./down.ts")).downVerb,
  },
  {
    name: "cordon",
    group: "Cluster Management Commands",
    summary: "Let no more pods come to nodes",
    load: async () => (await import("./cordon.ts")).cordonVerb,
  },
  {
    name: "uncordon",
    group: "Cluster Management Commands",
    summary: "Let pods come to nodes again",
    load: async () => (await import("./uncordon.ts")).uncordonVerb,
  },
  {
    name: "taint",
    group: "Cluster Management Commands",
    summary: "Set and take away taints of nodes",
    load: async () => (await import("./taint.ts")).taintVerb,
  },
  {
    name: "verify",
    group: "Troubleshooting Commands",
    summary: "Prove the rules of the network model on the running cluster",
    load: async () => (await import("./verify.ts")).verifyVerb,
  },
  {
    name: "events",
    group: "Troubleshooting Commands",
    summary: "Show what happened to objects",
    load: async () => (await import("./events.ts")).eventsVerb,
  },
  {
    name: "logs",
    group: "Troubleshooting Commands",
    summary: "Print the output of a pod's container",
    load: async () => (await import("./logs.ts")).logsVerb,
  },
  {
    name: "exec",
    group: "Troubleshooting Commands",
    summary: "Run a program in a pod",
    load: async () => (await import("./exec.ts")).execVerb,
  },
  {
    name: "attach",
    group: "Troubleshooting Commands",
    summary: "Attach to the program of a running container",
    load: async () => (await import("./attach.ts")).attachVerb,
  },
  {
    name: "port-forward",
    group: "Troubleshooting Commands",
    summary: "Forward ports of this machine to a pod",
    load: async () => (await import("./port-forward.ts")).portForwardVerb,
  },
  {
    name: "api-resources",
    group: "Other Commands",
    summary: "Print the kinds of object",
    load: async () => (await import("./api-resources.ts")).apiResourcesVerb,
  },
  {
    name: "version",
    group: "Other Commands",
    summary: "Print the versions of client and server",
    load: async () => (await import("./version.ts")).versionVerb,
  },
];
