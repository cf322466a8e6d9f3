/** Which mount a program means, from names alone. */
import { describe, expect, it } from 'vitest';
import { chooseMount, type MountWish } from '../../src/client/mount-choice.js';

const TWO = [{ mountPoint: '/mnt/a' }, { mountPoint: '/mnt/ab' }];

function choice(wish: Partial<MountWish>, mounts = TWO): string {
  const none = { option: undefined, environment: undefined, currentDirectory: '/home' };
  return chooseMount({ ...none, ...wish }, mounts);
}

describe('chooseMount', () => {
  it.each<[string, Partial<MountWish>, string]>([
    ['the option', { option: '/mnt/a' }, '/mnt/a'],
    ['the option before the environment', { option: '/mnt/a', environment: '/mnt/ab' }, '/mnt/a'],
    ['the environment', { environment: '/mnt/ab' }, '/mnt/ab'],
    ['a relative option', { option: '../mnt/a', currentDirectory: '/home' }, '/mnt/a'],
    ['an option with a slash at its end', { option: '/mnt/a/' }, '/mnt/a'],
    ['the mount that holds the option', { option: '/mnt/a/volumes' }, '/mnt/a'],
    ['an option that is no mount as it is', { option: '/tmp/fake' }, '/tmp/fake'],
    ['the mount of the current directory', { currentDirectory: '/mnt/ab/volumes' }, '/mnt/ab'],
    ['the current directory itself', { currentDirectory: '/mnt/a' }, '/mnt/a'],
  ])('takes %s', (_what, wish, mountPoint) => {
    expect(choice(wish)).toBe(mountPoint);
  });

  it('takes the inner one of two mounts', () => {
    const mounts = [{ mountPoint: '/mnt' }, { mountPoint: '/mnt/a' }];
    expect(choice({ currentDirectory: '/mnt/a/x' }, mounts)).toBe('/mnt/a');
  });

  it('takes the only mount of the machine, also when its current directory is gone', () => {
    const wish = { option: undefined, environment: undefined, currentDirectory: undefined };
    expect(chooseMount(wish, [{ mountPoint: '/mnt/a' }])).toBe('/mnt/a');
  });

  it('counts mounts stacked on one point as one', () => {
    expect(choice({}, [{ mountPoint: '/mnt/a' }, { mountPoint: '/mnt/a' }])).toBe('/mnt/a');
  });

  it('lists what is mounted where it cannot choose', () => {
    expect(() => choice({})).toThrow(/choose one .*: \/mnt\/a \/mnt\/ab$/);
  });

  it('says how to mount where nothing is', () => {
    expect(() => choice({}, [])).toThrow(/no array is mounted .* arrayfs mount/);
  });
});
