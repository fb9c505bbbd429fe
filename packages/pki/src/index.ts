export * from './authority.ts';
export * from './kubeconfig.ts';
export * from './lab-pki.ts';
