/** Solution 6: the agent's proxy settings. */
import { openProxy, type Proxy as WayOut } from '../middle/proxy.ts';
import { openReverse } from '../middle/reverse.ts';
import { gateway, type Machine, serverName } from '../node/machine.ts';
import type { World } from '../world.ts';
import type { Fault } from './fault.ts';
import { cut, lively, middleRule, put, reconfigure, sure, sureCurl, troubled } from './help.ts';
import { livelyOfficial } from './official.ts';

/** The proxy of the house, which is the only way out once `only` is called. */
async function houseProxy(
  world: World,
  machine: Machine,
): Promise<{ readonly proxy: WayOut; readonly url: string; only(): void }> {
  const proxy = world.closes(
    await openProxy({ target: world.server.port, source: machine.address, host: gateway.four }),
  );
  return {
    proxy,
    url: `http://${gateway.four}:${proxy.port}`,
    only: () => middleRule('input', `ip saddr ${machine.address} tcp dport 443 drop`),
  };
}

export const proxies: readonly Fault[] = [
  {
    id: 's6-password',
    story: 'The proxy wants a password since Monday; the agent has none.',
    asked: 'node',
    expected: ['proxy-auth-required'],
    async inject(world) {
      const machine = await lively(world);
      const house = await houseProxy(world, machine);
      house.only();
      house.proxy.change({ password: 'agent:secret' });
      await reconfigure(machine, { proxy: house.url });
      await troubled(machine);
      await sureCurl(world, machine, [56, 97, 7], '--proxy', house.url);
      return { machine };
    },
  },
  {
    id: 's6-wrong-password',
    story: 'The password in the settings is the one of last year.',
    asked: 'node',
    expected: ['proxy-auth-required'],
    async inject(world) {
      const machine = await lively(world);
      const house = await houseProxy(world, machine);
      house.only();
      house.proxy.change({ password: 'agent:summer2026' });
      await reconfigure(machine, { proxy: house.url.replace('//', '//agent:summer2025@') });
      await troubled(machine);
      return { machine };
    },
  },
  {
    id: 's6-host-not-allowed',
    story: "The proxy's allow-list has AWS's names, not this server's.",
    asked: 'node',
    expected: ['proxy-blocks-host'],
    async inject(world) {
      const machine = await lively(world);
      const house = await houseProxy(world, machine);
      house.only();
      house.proxy.change({ refuse: (host) => (host.includes('amazonaws') ? undefined : 403) });
      await reconfigure(machine, { proxy: house.url });
      await troubled(machine);
      await sureCurl(world, machine, [56, 97], '--proxy', house.url);
      return { machine };
    },
  },
  {
    id: 's6-proxy-cannot-reach',
    story: "The proxy takes the request and can't reach the server: 502.",
    asked: 'node',
    expected: ['proxy-blocks-host', /^proxy-/],
    async inject(world) {
      const machine = await lively(world);
      const house = await houseProxy(world, machine);
      house.only();
      house.proxy.change({ refuse: () => 502 });
      await reconfigure(machine, { proxy: house.url });
      await troubled(machine);
      return { machine };
    },
  },
  {
    id: 's6-no-scheme',
    story: 'The proxy was written without http://.',
    asked: 'node',
    expected: ['proxy-url-malformed'],
    async inject(world) {
      const machine = await lively(world);
      const house = await houseProxy(world, machine);
      house.only();
      await reconfigure(machine, { proxy: `proxy.corp.example:${house.proxy.port}` });
      return { machine };
    },
  },
  {
    id: 's6-proxy-dead',
    story: 'The proxy moved; nothing listens at the old address.',
    asked: 'node',
    expected: [/^proxy-/],
    async inject(world) {
      const machine = await lively(world);
      const house = await houseProxy(world, machine);
      house.only();
      await reconfigure(machine, { proxy: `http://${gateway.four}:3128` });
      await troubled(machine);
      await sureCurl(world, machine, [7, 5, 97], '--proxy', `http://${gateway.four}:3128`);
      return { machine };
    },
  },
  {
    id: 's6-proxy-misspelt',
    story: "A letter is missing in the proxy's name.",
    asked: 'node',
    expected: [/^proxy-/, 'dns-fails'],
    async inject(world) {
      const machine = await lively(world);
      const house = await houseProxy(world, machine);
      house.only();
      (await world.dns()).zone.set('proxy.zoo.internal', { addresses: [gateway.four] });
      await reconfigure(machine, { proxy: `http://prxy.zoo.internal:${house.proxy.port}` });
      await troubled(machine);
      return { machine };
    },
  },
  {
    id: 's6-excluded',
    story: 'noProxy has .internal, which is the server; but the only way to it is the proxy.',
    asked: 'node',
    expected: [/^proxy-/],
    async inject(world) {
      const machine = await lively(world);
      const house = await houseProxy(world, machine);
      house.only();
      await reconfigure(machine, { proxy: house.url, noProxy: ['.internal'] });
      await troubled(machine);
      await sureCurl(world, machine, [28]);
      await sureCurl(world, machine, [0], '--proxy', house.url);
      return { machine };
    },
  },
  {
    id: 's6-shell-only',
    story:
      'The only way out is the proxy; shells have it from /etc/environment, our agent has no such setting.',
    asked: 'node',
    expected: ['proxy-not-configured-for-service'],
    async inject(world) {
      const machine = await lively(world);
      const house = await houseProxy(world, machine);
      house.only();
      put(
        machine,
        'etc/environment',
        `http_proxy=${house.url}\nhttps_proxy=${house.url}\nno_proxy=localhost,127.0.0.1\n`,
      );
      await cut(machine);
      await troubled(machine);
      await sureCurl(world, machine, [28]);
      await sureCurl(world, machine, [0], '--proxy', house.url);
      return { machine };
    },
  },
  {
    id: 's6-official-shell-only',
    story: 'The same with the official agent, whose service has no drop-in; the proxy is in /etc/profile.d.',
    asked: 'node',
    expected: ['proxy-not-configured-for-service'],
    official: true,
    async inject(world) {
      const [machine, official] = await livelyOfficial(world);
      const house = await houseProxy(world, machine);
      house.only();
      put(
        machine,
        'etc/profile.d/proxy.sh',
        `export https_proxy=${house.url}\nexport http_proxy=${house.url}\n`,
      );
      official.stop();
      await official.start({ online: false });
      await sureCurl(world, machine, [28]);
      await sureCurl(world, machine, [0], '--proxy', house.url);
      return { machine };
    },
  },
  {
    id: 's6-official-password',
    story: "The official agent's drop-in names the proxy, without the password that it wants.",
    asked: 'node',
    expected: ['proxy-auth-required'],
    official: true,
    async inject(world) {
      const [machine, official] = await livelyOfficial(world);
      const house = await houseProxy(world, machine);
      house.only();
      house.proxy.change({ password: 'a:b' });
      official.stop();
      await official.start({
        online: false,
        env: { https_proxy: house.url, http_proxy: house.url, no_proxy: '169.254.169.254' },
      });
      return { machine };
    },
  },
  {
    id: 's6-inspecting',
    story: 'The proxy opens TLS with a certificate of the company, which the agent does not trust.',
    asked: 'node',
    expected: ['tls-inspection'],
    async inject(world) {
      const machine = await lively(world);
      const house = await houseProxy(world, machine);
      house.only();
      const shown = await (await world.company()).issue({ names: [serverName] });
      const gate = world.closes(
        await openReverse({
          shown,
          target: world.server.port,
          ca: world.server.ca(),
          source: machine.address,
        }),
      );
      house.proxy.change({ leadsTo: () => gate.port });
      await reconfigure(machine, { proxy: house.url });
      await troubled(machine);
      await sureCurl(world, machine, [60], '--proxy', house.url);
      return { machine };
    },
  },
  {
    id: 's6-works',
    story: 'Nothing is wrong: the proxy is the only way out, and the agent has it.',
    asked: 'node',
    expected: ['none'],
    async inject(world) {
      const machine = await lively(world);
      const house = await houseProxy(world, machine);
      house.only();
      await reconfigure(machine, { proxy: house.url }, true);
      sure('the proxy is used', house.proxy.used > 0);
      return { machine };
    },
  },
];
