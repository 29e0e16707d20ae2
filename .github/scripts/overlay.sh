#!/usr/bin/env bash
# Write FOLDER/kustomization.yaml: OVERLAY with each image replaced.  overlay.sh FOLDER OVERLAY IMAGE=NEW ...
# NEW is name@sha256:... for a deployment, or name:tag for images loaded into a kind cluster.
set -euo pipefail
folder="${1:?folder}" overlay="${2:?overlay}"
shift 2
[ -f "$overlay/kustomization.yaml" ] || { echo "overlay: no kustomization.yaml in $overlay" >&2; exit 1; }
mkdir -p "$folder"
{
  echo "apiVersion: kustomize.config.k8s.io/v1beta1"
  echo "kind: Kustomization"
  echo "resources: [\"$(realpath --relative-to="$folder" "$overlay")\"]"
  echo "images:"
  for pair in "$@"; do
    image="${pair%%=*}" new="${pair#*=}"
    case "$new" in
      *@sha256:*) how="digest" name="${new%@*}" value="${new#*@}" ;;
      *:*) how="newTag" name="${new%:*}" value="${new##*:}" ;;
      *) echo "overlay: $pair names neither a digest nor a tag" >&2; exit 1 ;;
    esac
    printf -- '  - {name: "%s", newName: "%s", %s: "%s"}\n' "$image" "$name" "$how" "$value"
  done
} > "$folder/kustomization.yaml"
