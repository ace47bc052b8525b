/* Kubernetes' own tests of its network, and the words by which ours of the same are found: what docs/conformance.md is made from
 * (scripts/conformance.ts). Sources: test/conformance/testdata/conformance.yaml and test/e2e/network of kubernetes/kubernetes, v1.35. */

export type Fit = "must" | "should";

export interface Row {
  readonly test: string;
  readonly fit: Fit;
  /** Words of a test's title here; several where several tests make up one of theirs. None where there is none, and then `why`. */
  readonly words: readonly string[];
  readonly why?: string;
}

function must(test: string, ...words: readonly string[]): Row {
  return { test, fit: "must", words };
}

function should(test: string, ...words: readonly string[]): Row {
  return { test, fit: "should", words };
}

function not(test: string, why: string): Row {
  return { test, fit: "should", words: [], why };
}

const noDualStack = "addresses are IPv4 only";

export const kubernetesRows: readonly Row[] = [
  should(
    "API Server should have Endpoints and EndpointSlices pointing to API Server",
    "should have EndpointSlices pointing to API Server",
  ),
  must("API Server should provide secure master service", "should provide secure master service"),
  must("DNS should provide /etc/hosts entries for the cluster", "/etc/hosts entries for the cluster"),
  must("DNS should provide DNS for ExternalName services", "should provide DNS for ExternalName services"),
  must("DNS should provide DNS for pods for Hostname", "should provide DNS for pods for Hostname"),
  must("DNS should provide DNS for pods for Subdomain", "for Subdomain"),
  must("DNS should provide DNS for services", "should provide DNS for services"),
  must("DNS should provide DNS for the cluster", "should provide DNS for the cluster"),
  must(
    "DNS should resolve DNS of partial qualified names for services",
    "should resolve DNS of partial qualified names for services",
  ),
  must(
    "DNS should resolve DNS of partial qualified names for the cluster",
    "should resolve DNS of partial qualified names for the cluster",
  ),
  should("DNS should support configurable pod DNS nameservers", "should support configurable pod DNS nameservers"),
  should("DNS should support configurable pod resolv.conf", "should support configurable pod resolv.conf"),
  should(
    "DNS should work with the pod containing more than 6 DNS search paths and longer than 256 search list characters",
    "more than 6 DNS search paths",
  ),
  should(
    "DNS HostNetwork should resolve DNS of partial qualified names for services on hostNetwork pods with dnsPolicy: ClusterFirstWithHostNet",
    "dnsPolicy: ClusterFirstWithHostNet",
  ),
  should("DNS configMap nameserver Change stubDomain", "Change stubDomain"),
  should("DNS configMap nameserver Forward PTR lookup", "Forward PTR lookup"),
  should("DNS configMap nameserver Forward external name lookup", "Forward external name lookup"),
  must(
    "EndpointSlice should create Endpoints and EndpointSlices for Pods matching a Service",
    "follow pods that come, become unready and go",
  ),
  must(
    "EndpointSlice should create and delete EndpointSlices for a Service with a selector that matches no pods",
    "should create and delete EndpointSlices for a Service with a selector that matches no pods",
  ),
  must(
    "EndpointSlice should support a Service with multiple endpoint IPs specified in multiple EndpointSlices",
    "multiple endpoint IPs and multiple ports specified in multiple EndpointSlices",
  ),
  must(
    "EndpointSlice should support a Service with multiple ports specified in multiple EndpointSlices",
    "multiple endpoint IPs and multiple ports specified in multiple EndpointSlices",
  ),
  should(
    "EndpointSlice should support creating EndpointSlice API operations",
    "are made again where somebody deletes or changes them",
  ),
  should(
    "HostPort validates that there is no conflict between pods with same hostPort but different hostIP and protocol",
    "are of one protocol and, with a hostIP, of one address",
  ),
  must(
    "Networking Granular Checks: Pods should function for intra-pod communication: http, udp",
    "prints a table of rules that hold",
  ),
  must(
    "Networking Granular Checks: Pods should function for node-pod communication: http, udp",
    "prints a table of rules that hold",
  ),
  must("NoSNAT Should be able to send traffic between Pods without SNAT", "prints a table of rules that hold"),
  must("Networking should recreate its iptables rules if they are deleted", "should recreate its rules if they are deleted"),
  must(
    "Networking Granular Checks: Services should function for pod-Service, node-Service and endpoint-Service: http, udp",
    "should function for pod-Service, node-Service and endpoint-Service",
  ),
  must("Networking Granular Checks: Services should update endpoints: http, udp", "should update endpoints: http"),
  must(
    "Networking Granular Checks: Services should update nodePort: http, udp",
    "is closed again when the Service has node ports no more",
  ),
  must(
    "Networking Granular Checks: Services should function for client IP based session affinity: http, udp",
    "should have session affinity work",
  ),
  must(
    "Networking Granular Checks: Services should be able to handle large requests: http, udp",
    "should be able to handle large requests",
  ),
  should(
    "Networking Granular Checks: Services should function for service endpoints using hostNetwork",
    "should function for service endpoints using hostNetwork",
  ),
  must(
    "Services should be able to change the type from ClusterIP to ExternalName",
    "should be able to change the type from ClusterIP to ExternalName",
  ),
  must(
    "Services should be able to change the type from NodePort to ExternalName",
    "should be able to change the type from NodePort to ExternalName",
  ),
  must(
    "Services should be able to change the type from ExternalName to ClusterIP",
    "should be able to change the type from ExternalName to ClusterIP",
  ),
  must(
    "Services should be able to change the type from ExternalName to NodePort",
    "should be able to change the type from ExternalName to NodePort",
  ),
  must(
    "Services should be able to create a functioning NodePort service",
    "should be able to create a functioning NodePort service",
  ),
  must(
    "Services should be able to switch session affinity for NodePort service",
    "should have session affinity work and switch for NodePort service",
  ),
  must(
    "Services should be able to switch session affinity for service with type clusterIP",
    "should have session affinity work, switch and time out",
  ),
  must(
    "Services should have session affinity work for NodePort service",
    "should have session affinity work and switch for NodePort service",
  ),
  must(
    "Services should have session affinity work for service with type clusterIP",
    "should have session affinity work, switch and time out",
  ),
  must(
    "Services should have session affinity timeout work for service with type clusterIP, NodePort",
    "should have session affinity work, switch and time out",
  ),
  should("Services should delete a collection of services", "delete a collection of services"),
  should("Services should find a service from listing all namespaces", "should find a service from listing all namespaces"),
  must("Services should serve a basic endpoint from pods", "follow pods that come, become unready and go"),
  must(
    "Services should serve endpoints on same port and different protocols",
    "should serve endpoints on same port and different protocols",
  ),
  must("Services should serve multiport endpoints from pods", "are found by name in each pod, and in its sidecars"),
  must("Services should be rejected when no endpoints exist", "should be rejected when no endpoints exist"),
  must("Services should be rejected for evicted pods (no endpoints exist)", "should be rejected for evicted pods"),
  must(
    "Services should allow pods to hairpin back to themselves through services",
    "should allow pods to hairpin back to themselves",
  ),
  must("Services should preserve source pod IP for traffic thru service cluster IP", "should preserve source pod IP"),
  must("Services should be able to up and down services", "should be able to up and down services"),
  must("Services should work after the service has been recreated", "work after one has been recreated"),
  must("Services should be updated after adding or deleting ports", "should be updated after adding or deleting ports"),
  must("Services should work after restarting kube-proxy", "should work after restarting kube-proxy"),
  must("Services should work after restarting apiserver", "after restarting apiserver"),
  should("Services should implement service.kubernetes.io/service-proxy-name, headless", "should implement"),
  must("Services should prevent NodePort collisions", "is refused where it is"),
  must("Services should check NodePort out-of-range", "is refused where it is"),
  must("Services should release NodePorts on delete", "is free again when the Service is deleted, with its ports"),
  should(
    "Services should be able to update service type to NodePort listening on same port number but different protocols",
    "is shared by TCP and UDP on one port of a Service",
  ),
  not(
    "Services should be possible to connect to a service via ExternalIP when the external IP is not assigned to a node",
    "externalIPs are refused: whoever may make a Service could take any address's traffic (CVE-2020-8554)",
  ),
  must("Services should respect internalTrafficPolicy=Local Pod to Pod", "should respect internalTrafficPolicy=Local Pod to Pod"),
  must(
    "Services should support externalTrafficPolicy=Local for type=NodePort",
    "should support externalTrafficPolicy=Local for type=NodePort",
  ),
  should(
    "Services should implement NodePort and HealthCheckNodePort correctly when ExternalTrafficPolicy changes",
    "to LoadBalancer brings an address from the pool",
  ),
  must(
    "Services should fail health check node port if there are only terminating endpoints",
    "should fail health check node port",
  ),
  must(
    "Services should fallback to terminating endpoints when there are no ready endpoints with internalTrafficPolicy=Cluster",
    "should fallback to terminating endpoints when there are no ready endpoints with internalTrafficPolicy=Cluster",
  ),
  must(
    "Services should fallback to local terminating endpoints when there are no ready endpoints with internalTrafficPolicy=Local",
    "should fallback to local terminating endpoints when there are no ready endpoints with internalTrafficPolicy=Local",
  ),
  must(
    "Services should fallback to terminating endpoints when there are no ready endpoints with externallTrafficPolicy=Cluster",
    "with externallTrafficPolicy=Cluster",
  ),
  must(
    "Services should fallback to local terminating endpoints when there are no ready endpoints with externalTrafficPolicy=Local",
    "should fallback to local terminating endpoints when there are no ready endpoints with externalTrafficPolicy=Local",
  ),
  must(
    "Services should be able to connect to terminating and unready endpoints if PublishNotReadyAddresses is true, should not if false",
    "are ready where that is published, whatever the pod says",
  ),
  must("Services should create endpoints for unready pods", "are ready where that is published, whatever the pod says"),
  should(
    "Services should connect to the named ports exposed by restartable init containers",
    "are found by name in each pod, and in its sidecars",
  ),
  not(
    "Services should serve endpoints on same port and different protocol for internal traffic on Type LoadBalancer",
    "not tried",
  ),
  not("Service CIDRs should create Services and serve on different Service CIDRs", "a cluster has one Service range"),
  not(
    "ServiceCIDR and IPAddress API should support ServiceCIDR, IPAddress API operations",
    "addresses are rows of the store, not objects",
  ),
  must(
    "Conntrack should be able to preserve UDP traffic when server pod cycles for a ClusterIP, NodePort service",
    "should be able to preserve UDP traffic when server pod cycles",
  ),
  must(
    "Conntrack should be able to preserve UDP traffic when initial unready endpoints get ready",
    "should be able to preserve UDP traffic when initial unready endpoints get ready",
  ),
  not("Conntrack should drop INVALID conntrack entries", "not tried"),
  must(
    "Connectivity Pod Lifecycle should be able to connect from a Pod to a terminating Pod",
    "should be able to connect from a Pod to a terminating Pod",
  ),
  must(
    "Connectivity Pod Lifecycle should be able to connect to other Pod from a terminating Pod",
    "to other Pod from a terminating Pod",
  ),
  must(
    "Traffic Distribution should route traffic to an endpoint in the same zone when using PreferClose, PreferSameZone",
    "should route traffic to an endpoint in the same zone",
  ),
  must(
    "Traffic Distribution should route traffic to an endpoint on the same node or fall back to same zone when using PreferSameNode",
    "should route traffic to an endpoint on the same node",
  ),
  must("Service endpoints latency should not be very high", "follow pods that come, become unready and go"),
  must(
    "LoadBalancers should not have connectivity disruption during rolling update",
    "loses no request while the pods behind it are deleted and made anew",
  ),
  should("LoadBalancers ESIPP should only target nodes with endpoints", "answers at a load balancer's address on every node"),
  not(
    "LoadBalancers should only allow access from service loadbalancer source ranges",
    "loadBalancerSourceRanges are kept, not acted on",
  ),
  should("CVE-2021-29923 IPv4 Service Type ClusterIP with leading zeros", "know an address when they see one"),
  not("[Feature:IPv6DualStack] all", noDualStack),
];
