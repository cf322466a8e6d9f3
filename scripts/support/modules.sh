# Node modules of the checkout, for scripts that source this: the lock file that they were installed
# from is kept beside them, so a change of it installs anew, whatever the times of the files are.

# lacks_modules ROOT
lacks_modules() {
  ! cmp -s "$1/package-lock.json" "$1/node_modules/.installed-lock.json"
}

# Installing needs the lock file's exact versions; without git's copy of it there is nothing to run.
# install_modules ROOT
install_modules() {
  (cd "$1" && npm ci --no-audit --no-fund --loglevel=error </dev/null &&
    cp package-lock.json node_modules/.installed-lock.json)
}
