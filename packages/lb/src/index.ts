export * from './balancer.ts';
