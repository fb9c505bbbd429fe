export * from './channels.ts';
export * from './remote-command.ts';
export { type ChannelClient, type ChannelClientOptions, connectChannels } from './websocket-client.ts';
export { webSocketSession } from './websocket-session.ts';
export { acceptRemoteCommand, isWebSocketUpgrade, refuseUpgrade } from './websocket-server.ts';
