"""mitmproxy with six addons, which is what it takes to proxy: a second base of the bench, steadier than stock.

`bare.py PORT FOLDER CA`: FOLDER holds its authority, CA is that of the provider.
"""

import asyncio
import sys

from mitmproxy.addons import core, disable_h2c, errorcheck, next_layer, proxyserver, tlsconfig
from mitmproxy.master import Master
from mitmproxy.options import Options


async def main(port: str, folder: str, authority: str) -> None:
    options = Options(listen_host="127.0.0.1", listen_port=int(port), confdir=folder, ssl_verify_upstream_trusted_ca=authority)
    master = Master(options, with_termlog=False)
    server = proxyserver.Proxyserver()
    master.addons.add(
        core.Core(), disable_h2c.DisableH2C(), server, next_layer.NextLayer(), tlsconfig.TlsConfig(), errorcheck.ErrorCheck()
    )
    await master.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
