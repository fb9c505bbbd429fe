export { type FakeAction, FakeKubeClient, type FakeOptions, failing } from './fake-kube-client.ts';
export { startInformers } from './start-informers.ts';
