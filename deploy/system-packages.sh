#!/bin/bash
# Installs the Debian packages that are still missing; started by make. No server that comes along is started.
#   usage: deploy/system-packages.sh GROUP…     GROUP: venv, scan, test, guest
#   INBOX3D_SYSTEM_PACKAGES=skip                 on other systems, once you have installed the equivalents yourself
set -euo pipefail

packages_of() {
    case "$1" in
        venv) python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3 python3-venv ;;
        scan) echo libgl1 libegl1 libgomp1 libx11-6 libusb-1.0-0 ;;
        test) echo samba samba-vfs-modules smbclient nfs-ganesha nfs-ganesha-vfs libnfs13 redis-server postgresql nginx-light iproute2 chromium fuse3 xfsprogs rsync nftables prometheus curl aria2 nextcloud-desktop-cmd owncloud-client-cmd cloudcompare
              command -v npm >/dev/null || echo nodejs npm ;;
        guest) echo qemu-system-x86 busybox-static cpio iproute2 nfs-common nfs-kernel-server ;;
        *)    echo "unknown group of packages: $1" >&2; exit 2 ;;
    esac
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

[ "${INBOX3D_SYSTEM_PACKAGES:-}" != skip ] || exit 0
missing=()
for group in "$@"; do
    packages=$(packages_of "$group")
    for package in $packages; do
        installed "$package" || missing+=("$package")
    done
done
[ ${#missing[@]} -gt 0 ] || exit 0

install="apt-get install -y --no-install-recommends ${missing[*]}"
if ! command -v apt-get >/dev/null; then
    echo "This is not Debian. Install the equivalents of: ${missing[*]}; then set INBOX3D_SYSTEM_PACKAGES=skip." >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        exec sudo "$0" "$@"
    fi
    echo "Debian packages are missing and this user may not install them. As root, run:" >&2
    echo "  RUNLEVEL=1 $install" >&2
    exit 1
fi

echo "Installing Debian packages: ${missing[*]}" >&2
policy=/usr/sbin/policy-rc.d # systemd's helper asks this file, invoke-rc.d asks RUNLEVEL
if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy
fi
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
# shellcheck disable=SC2086
$install -qq >/dev/null 2>&1 || { apt-get update -qq && $install -qq >/dev/null; }
