export * from './channels.ts';
export * from './remote-command.ts';
export { webSocketSession } from './websocket-session.ts';
export { acceptRemoteCommand, isWebSocketUpgrade, refuseUpgrade } from './websocket-server.ts';
