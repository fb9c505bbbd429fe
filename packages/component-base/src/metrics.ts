/** Prometheus metrics; a subpath of its own (`@kubelab/component-base/metrics`), as few processes need it at start. */
export { Counter, Gauge, Histogram, Registry } from 'prom-client';
