/**
 * `node null-mount.js TRANSPORT DIRECTORY BYTES`: serves the do-nothing file system on a transport of
 * arrayfs, in a process of its own, until SIGTERM or an unmount from outside. Tells its parent when it is mounted.
 */
import { FuseNativeTransport } from '../../src/fuse/fuse-native-transport.js';
import { KernelTransport } from '../../src/fuse/kernel-transport.js';
import { NullTree } from '../../src/fuse/null-tree.js';

const [transportName = '', mountPoint = '', imageBytes = ''] = process.argv.slice(2);
const onBug = (error: unknown) => console.error(error);
const transport = [new KernelTransport({ onBug }), new FuseNativeTransport({ onBug })].find(
  (each) => each.name === transportName,
);
if (transport === undefined) throw new Error(`no transport ${transportName}`);
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
process.send?.('mounted');
process.disconnect?.();
await mounted.ended;
process.exit(0);
