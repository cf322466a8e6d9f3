/**
 * `node null-mount.js DIRECTORY BYTES`: serves the do-nothing file system on the transport that
 * arrayfs uses, in a process of its own, until SIGTERM or an unmount from outside.
 */
import { FuseNativeTransport } from '../../src/fuse/fuse-native-transport.js';
import { NullTree } from '../../src/fuse/null-tree.js';

const [mountPoint = '', imageBytes = ''] = process.argv.slice(2);
const transport = new FuseNativeTransport({ onBug: (error) => console.error(error) });
const mounted = await transport.mount(new NullTree(Number(imageBytes)), {
  mountPoint,
  sourceName: 'arrayfs-null',
  readOnly: false,
  allowOther: false,
});
process.on('SIGTERM', () => {
  mounted.unmount().catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
await mounted.ended;
process.exit(0);
