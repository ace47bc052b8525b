/* Labels that Services, their slices and nodes are told apart by (https://kubernetes.io/docs/reference/labels-annotations-taints/). */

/** On an EndpointSlice: the Service that it belongs to. */
export const serviceNameLabel = "kubernetes.io/service-name";
/** On an EndpointSlice: who keeps it. */
export const managedByLabel = "endpointslice.kubernetes.io/managed-by";
/** On a Service: another proxy than ours serves it. */
export const otherProxyLabel = "service.kubernetes.io/service-proxy-name";
/** On an EndpointSlice: of a headless Service. On a Service that has an address: nobody is to proxy it. */
export const headlessLabel = "service.kubernetes.io/headless";
/** On a Node: where it is. */
export const regionLabel = "topology.kubernetes.io/region";
export const zoneLabel = "topology.kubernetes.io/zone";
